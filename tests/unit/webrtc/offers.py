"""An offer as Chromium 156 makes it, shortened to what matters."""

CHROMIUM = """v=0
o=- 6228437149521864740 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
a=extmap-allow-mixed
a=msid-semantic: WMS 8b5b
m=audio 46344 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
c=IN IP4 192.168.1.20
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:1 1 udp 2122260223 192.168.1.20 46344 typ host generation 0 network-id 1
a=candidate:2 1 udp 2122194687 5c2b9d5c-0b1d-4b53-8e0f-2f9f1d6b1c11.local 46345 typ host generation 0 network-id 2
a=candidate:3 1 tcp 1518280447 192.168.1.20 9 typ host tcptype active generation 0 network-id 1
a=candidate:4 1 udp 1686052607 203.0.113.7 61000 typ srflx raddr 192.168.1.20 rport 46344 generation 0
a=candidate:5 1 udp 41885439 198.51.100.3 50123 typ relay raddr 203.0.113.7 rport 61000 generation 0
a=ice-ufrag:Z9Zx
a=ice-pwd:8KKMyOiSQZ6OC0CiGDlWyZ1x
a=ice-options:trickle
a=fingerprint:sha-256 41:8A:9E:1C:5F:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1a:1b
a=setup:actpass
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=sendrecv
a=msid:8b5b 9c1d
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:13 CN/8000
a=rtpmap:110 telephone-event/48000
a=rtpmap:126 telephone-event/8000
a=ssrc:3570614608 cname:4TOk42mSjXCkVIa6
""".replace("\n", "\r\n")

VIDEO = """m=video 9 UDP/TLS/RTP/SAVPF 96 97
c=IN IP4 0.0.0.0
a=mid:1
a=rtcp-mux
a=sendrecv
a=rtpmap:96 VP8/90000
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=mid:2
a=sctp-port:5000
""".replace("\n", "\r\n")
