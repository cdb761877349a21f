"""What the core tells a function process: environment, function ARNs, the log of the runtime itself."""
