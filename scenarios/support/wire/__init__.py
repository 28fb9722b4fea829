"""HTTP/1.1 over raw sockets and the unpatched epoll: many connections driven by one Locust user."""
