"""The media plane: WebRTC peers, plain RTP legs, bridge, mixer, prompts and recorder."""
