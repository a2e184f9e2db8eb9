using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Steward.Cli.Host;
using Steward.Cli.Rendering;
using Steward.Client;
using Steward.Declarative;
using Steward.Journal;
using Steward.State;
using Steward.TimeTravel;

namespace Steward.Cli.Commands;

/// <summary><c>steward fork</c>: a new run that begins as another one did.</summary>
internal sealed class ForkCommand(CommandContext context)
{
    private readonly Argument<string> _run = CommonOptions.Run();
    private readonly Option<long?> _at = CommonOptions.Named<long?>(
        "--at",
        "The last sequence that the fork shares with the run; otherwise its last one.",
        "seq");
    private readonly Option<string?> _input = CommonOptions.Named<string?>(
        "--input",
        "Asks this in place of the last message up to there, or of the request.",
        "text");
    private readonly Option<string?> _result = CommonOptions.Named<string?>(
        "--result",
        "Has a call return this instead, for example 2.0='{\"id\": 17}'.",
        "turn.index=text");
    private readonly Option<string?> _agent = CommonOptions.Named<string?>(
        "--agent",
        "The agent's folder; where its definition is another one, the fork goes on with that.",
        "folder");
    private readonly Option<bool> _go = CommonOptions.Named<bool>(
        "--run",
        "Go on with the fork at once. It really calls models and tools.");
    private readonly Option<bool> _scripted = CommonOptions.Scripted();

    public static Command Create(CommandContext context) => new ForkCommand(context).Create();

    private Command Create()
    {
        var command = new Command(
            "fork",
            "Make a new run that begins as another one did, with one thing changed if wanted.") { _run, _at, _input, _result, _agent, _go, _scripted };
        command.SetAction(ExecuteAsync);
        return command;
    }

    private async Task<int> ExecuteAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        string? folder = AgentChoice.Folder(parse.GetValue(_agent));
        if (parse.GetValue(_go) && folder is null)
            throw new UsageException("--run needs the agent: name its folder with --agent.");
        ForkResult? result = parse.GetValue(_result) is { } text ? Result(text) : null;
        await using OpenRun origin = await context.OpenRunAsync(parse, _run, folder, cancellationToken);
        RunState state = await RunJournal.LoadAsync(origin.Store, origin.Info.Run, cancellationToken);
        AgentFile? file = folder is null
            ? null
            : AgentChoice.Load(context, folder, state.Started.DefinitionHash, parse.GetValue(_scripted));
        bool isOther = file is not null && file.Agent.Hash != state.Started.DefinitionHash;
        if (isOther && parse.GetValue(_agent) is null && !parse.GetValue(_go))
            (file, isOther) = (null, false); // The agent of this folder was not asked for.
        await using AgentHost host = AgentHost.Create(file, origin.Store, context.Output, context.Time);
        RunHandle fork = await host.Client.ForkAsync(
            origin.Info.Run,
            new ForkRequest
            {
                Sequence = parse.GetValue(_at),
                Input = parse.GetValue(_input) is { } input ? [new TextPart(input)] : null,
                Result = result,
                Agent = isOther ? file!.Agent.Name : null,
                AgentVersion = isOther ? file!.Agent.Version : null,
                By = CommandContext.Operator,
            },
            cancellationToken);
        RunState forked = await fork.GetStateAsync(cancellationToken);
        var hints = new Hints(folder, parse.GetValue(CommonOptions.Store), fork.Id);
        Report(forked, hints, parse.GetValue(_go));
        return parse.GetValue(_go) ? await RunCommand.GoOnAsync(context, file!, origin.Opened, forked, hints) : ExitCodes.Ok;
    }

    private void Report(RunState fork, Hints hints, bool goesOn)
    {
        RunOrigin origin = fork.Started.Origin!;
        context.Output.JsonLine(new JsonObject
        {
            ["type"] = "fork",
            ["run"] = fork.Run.ToString(),
            ["origin"] = origin.Run.ToString(),
            ["at"] = origin.Sequence,
            ["copied"] = origin.Copied,
            ["change"] = origin.Change,
            ["resume"] = hints.Resume,
        });
        context.Output.Line(
            $"fork {fork.Run} of {origin.Run} at {origin.Sequence}: {Show.Count(origin.Copied, "event")} copied{(origin.Change is null ? "" : $"; {origin.Change}")}",
            Styles.Good);
        if (goesOn)
            return;
        context.Output.Line("It really calls models and tools when it goes on. To go on:");
        context.Output.Line($"  {hints.Resume}");
    }

    private static ForkResult Result(string text)
    {
        string[] parts = text.Split('=', 2);
        string[] place = parts[0].Split('.');
        return parts.Length == 2 && place.Length == 2
            && int.TryParse(place[0], NumberStyles.None, CultureInfo.InvariantCulture, out int turn)
            && int.TryParse(place[1], NumberStyles.None, CultureInfo.InvariantCulture, out int index)
                ? new ForkResult(turn, index, parts[1])
                : throw new UsageException(
                    $"'{text}' is no result; expected TURN.INDEX=TEXT, for example 2.0=done. 'steward show' numbers the turns; a turn's calls count from 0.");
    }
}
