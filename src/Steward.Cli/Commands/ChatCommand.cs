using System.CommandLine;
using Steward.Cli.Host;
using Steward.Cli.Rendering;
using Steward.Declarative;
using Steward.Journal;
using Steward.Storage;

namespace Steward.Cli.Commands;

/// <summary><c>steward chat</c>: a conversation with an agent; each line is a run of one session.</summary>
internal sealed class ChatCommand(CommandContext context)
{
    private readonly Argument<string?> _folder = CommonOptions.Folder("The agent's folder; otherwise this one.");
    private readonly Option<string?> _session = CommonOptions.Named<string?>(
        "--session",
        "Goes on with a conversation; otherwise a new one.",
        "name");
    private readonly Option<string?> _tenant = CommonOptions.Named<string?>("--tenant", "For whom it runs; 'default' otherwise.", "name");
    private readonly Option<string?> _user = CommonOptions.Named<string?>("--user", "On whose behalf it runs.", "name");
    private readonly Option<string[]> _roles = DecideCommand.Roles(
        "A role that the one who answers approvals here bears; several with commas.");
    private readonly Option<string> _policy = new("--policy")
    {
        Description = "What a line does that comes in during a turn: enqueue, reject, interrupt or rollback.",
        HelpName = "policy",
        DefaultValueFactory = _ => "enqueue",
    };
    private readonly TelemetryFlags _telemetry = new();
    private readonly Option<bool> _scripted = CommonOptions.Scripted();

    public static Command Create(CommandContext context) => new ChatCommand(context).Create();

    private Command Create()
    {
        _policy.AcceptOnlyFromAmong("enqueue", "reject", "interrupt", "rollback");
        var command = new Command(
            "chat",
            "Talk with an agent. Ctrl-C interrupts the turn; /exit ends, /cost says what was spent.")
        {
            _folder, _session, _tenant, _user, _roles, _policy, _telemetry.Preset, _telemetry.Content, _telemetry.Traces, _scripted,
        };
        command.SetAction((parse, _) => ExecuteAsync(parse));
        return command;
    }

    private async Task<int> ExecuteAsync(ParseResult parse)
    {
        string path = parse.GetValue(_folder) ?? ".";
        AlertVariables alerts = AlertVariables.Read();
        AgentFile file = AgentFile.Load(path, new AgentFileOptions { Scripted = parse.GetValue(_scripted), Time = context.Time });
        await using OpenStore store = await OpenStore.OpenAsync(
            StoreLocator.ForAgent(parse.GetValue(CommonOptions.Store), file), context.Output, context.Time);
        var view = new RunView(context.Output);
        using IDisposable? telemetry = await _telemetry.StartAsync(parse, context.Output);
        await using AgentHost host = AgentHost.Create(
            file, store.Store, context.Output, context.Time, configure: alerts.Apply, telemetry: _telemetry.Tracing(parse));
        var chat = new ChatLoop(context, host, view, new LineReader(Console.In))
        {
            Agent = file.Agent.Name,
            Session = parse.GetValue(_session) ?? $"chat-{RunId.New(context.Time).ToString()[..16]}",
            Tenant = parse.GetValue(_tenant) ?? "default",
            User = parse.GetValue(_user),
            Roles = DecideCommand.Split(parse.GetValue(_roles)),
            Policy = Enum.Parse<SessionPolicy>(parse.GetValue(_policy)!, ignoreCase: true),
        };
        context.Output.Line($"{file.Agent.Name} · {file.ModelDescription}", Styles.Bold);
        context.Output.Line($"session {chat.Session} · /exit ends, /cost says what was spent", Styles.Dim);
        return await chat.RunAsync();
    }
}
