"""A Service Bus over AMQP 1.0 for unmodified clients of Python, JavaScript and Go; see `server.ServiceBus`."""
