"""How every connector over OPC UA connects: endpoints, certificates, sign-in, and what its status codes mean."""
