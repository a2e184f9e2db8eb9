using Steward.Cli;
using Steward.Cli.Rendering;

using var shutdown = new Steward.Cli.Host.Shutdown();
return await CommandLine.RunAsync(args, Output.ForProcess(args), shutdown, TimeProvider.System);
