using Sync.Cli;

return await CommandLine.Build().Parse(args).InvokeAsync();
