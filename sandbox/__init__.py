"""The sandbox plant: a simulated bus, twin service, CMMS and MES. It shares no code with Millwright."""
