using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using Steward.Declarative;
using Steward.Cli.Commands;
using Steward.Cli.Host;
using Steward.Cli.Rendering;
using Steward.Journal;
using Steward.Storage;

namespace Steward.Cli;

/// <summary>The root command, and the one place where errors become words and exit codes.</summary>
internal static class CommandLine
{
    public static async Task<int> RunAsync(string[] args, Output output, Shutdown shutdown, TimeProvider time)
    {
        ParseResult parse = Create(new CommandContext(output, shutdown, time)).Parse(args);
        if (parse.Errors.Count > 0)
        {
            foreach (ParseError error in parse.Errors)
                output.Error(error.Message);
            output.ErrorLine($"Try '{HelpOf(parse)} --help'.");
            return ExitCodes.Usage;
        }

        return await InvokeAsync(parse, output, shutdown);
    }

    private static async Task<int> InvokeAsync(ParseResult parse, Output output, Shutdown shutdown)
    {
        try
        {
            var invocation = new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
                Output = output.Writer,
                Error = output.ErrorWriter,
            };
            return await parse.InvokeAsync(invocation, shutdown.Stopping);
        }
        catch (OperationCanceledException)
        {
            output.ErrorLine("interrupted");
            return ExitCodes.Interrupted;
        }
        catch (IOException e) when (e.InnerException is null && e.Message.Contains("Broken pipe", StringComparison.Ordinal))
        {
            // The reader of our output has gone, as with 'steward runs | head': nobody is left to tell.
            return ExitCodes.Ok;
        }
        catch (Exception e) when (e is not (OutOfMemoryException or StackOverflowException))
        {
            output.Error(e);
            return CodeOf(e);
        }
    }

    private static int CodeOf(Exception e) => e switch
    {
        JournalException => ExitCodes.Failed,
        UsageException
            or AgentFileException
            or FormatException
            or ArgumentException
            or Storage.StoreException
            or IOException
            or UnauthorizedAccessException => ExitCodes.Usage,
        _ => ExitCodes.Failed,
    };

    private static Command Create(CommandContext context) => new(
        "steward",
        $"Steward runs AI agents that must keep working: durable runs, budgets that hold, a person's word before anything destructive.\n\n{ExitCodes.Help}")
    {
        new HelpOption(),
        new VersionOption(),
        CommonOptions.Json,
        CommonOptions.Store,
        InitCommand.Create(context),
        RunCommand.Create(context),
        ChatCommand.Create(context),
        WorkCommand.Create(context),
        ServeCommand.Create(context),
        KeyCommand.Create(context),
        RunsCommand.Create(context),
        ShowCommand.Create(context),
        ForkCommand.Create(context),
        ReplayCommand.Create(context),
        DiffCommand.Create(context),
        MigrateCommand.Create(context),
        FeedbackCommand.Create(context),
        CancelCommand.Create(context),
        InboxCommand.Create(context),
        DecideCommand.Approve(context),
        DecideCommand.Deny(context),
        DecideCommand.Answer(context),
        ResolveCommand.Create(context),
        KillCommand.Create(context),
        BudgetCommand.Create(context),
        LimitCommand.Create(context),
        PruneCommand.Create(context),
        ExportCommand.Create(context),
        TracesCommand.Create(context),
        DoctorCommand.Create(context),
        DrillCommand.Create(context),
    };

    private static string HelpOf(ParseResult parse)
    {
        string path = parse.CommandResult.Command.Name;
        for (SymbolResult? parent = parse.CommandResult.Parent; parent is CommandResult command; parent = command.Parent)
            path = $"{command.Command.Name} {path}";
        return path;
    }
}
