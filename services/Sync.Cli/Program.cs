using Sync.Cli;

return await CommandLine.RunAsync(args);
