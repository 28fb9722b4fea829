"""A simulated orchestrator: replicas of the service as processes, watched and replaced by the rules of Kubernetes."""
