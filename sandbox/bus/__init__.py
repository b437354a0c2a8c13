"""A Service Bus over AMQP 1.0 that the unmodified `azure-servicebus` client talks to; see `server.ServiceBus`."""
