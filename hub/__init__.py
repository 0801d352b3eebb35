"""The domain: model, events, machine, ports, service, store and bus. Imports none of the other folders."""
