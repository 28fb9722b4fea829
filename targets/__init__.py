"""What is measured: servers, serializers, the reference service, servers of known truth, probes."""
