using System.CommandLine;
using System.Text.Json.Nodes;
using Steward.Cli.Checks;
using Steward.Cli.Host;
using Steward.Cli.Rendering;
using Steward.Declarative;
using Steward.Declarative.Stores;
using Steward.Storage;

namespace Steward.Cli.Commands;

/// <summary><c>steward doctor</c>: is everything here that runs need, and is it sound?</summary>
internal sealed class DoctorCommand(CommandContext context)
{
    private readonly Argument<string?> _folder = CommonOptions.Folder("The agent's folder, or its agent.yaml; otherwise this one.");
    private readonly Option<bool> _acceptLoss = CommonOptions.Named<bool>(
        "--accept-loss",
        "Accept that the database holds less than was acknowledged, and let its runs go on from there.");
    private readonly Option<string?> _anchor = CommonOptions.Named<string?>(
        "--anchor",
        "Compare with this anchor: were journals rebuilt, or runs removed, since it was written?",
        "file");
    private readonly Option<string?> _writeAnchor = CommonOptions.Named<string?>(
        "--write-anchor",
        "Write where every journal ends into this file, if all is sound. Keep it where the database's writers cannot write, or seal it.",
        "file");
    private readonly Option<string?> _anchorKey = CommonOptions.Named<string?>(
        "--anchor-key",
        "The environment variable with the key that seals the anchor.",
        "variable");
    private readonly Option<bool> _deep = CommonOptions.Named<bool>("--deep", "Read and check everything, not only the newest runs.");

    public static Command Create(CommandContext context) => new DoctorCommand(context).Create();

    private Command Create()
    {
        var command = new Command(
            "doctor",
            "Check keys, endpoints, prices, the database, the clock and the disk.")
        {
            _folder, _acceptLoss, _deep, _anchor, _writeAnchor, _anchorKey,
        };
        command.SetAction(ExecuteAsync);
        return command;
    }

    private async Task<int> ExecuteAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        string? folder = parse.GetValue(_folder);
        List<Check> checks = [.. await AgentAsync(folder, cancellationToken)];
        var anchor = new AnchorRequest(parse.GetValue(_anchor), parse.GetValue(_writeAnchor), parse.GetValue(_anchorKey));
        StoreAddress database = StoreLocator.Any(parse.GetValue(CommonOptions.Store), folder);
        checks.AddRange(
            await StoreChecks.RunAsync(database, parse.GetValue(_deep), parse.GetValue(_acceptLoss), anchor, context.Output,
                context.Time, cancellationToken));
        Write(checks);
        return checks.Any(c => c.Level == CheckLevel.Fail) ? ExitCodes.Failed : ExitCodes.Ok;
    }

    private async Task<IReadOnlyList<Check>> AgentAsync(string? folder, CancellationToken cancellationToken)
    {
        string path = folder ?? Directory.GetCurrentDirectory();
        if (folder is null && !File.Exists(Path.Combine(path, "agent.yaml")))
            return [];
        try
        {
            AgentFile file = AgentFile.Load(path, new AgentFileOptions { Time = context.Time });
            await using var nothing = new InMemoryStewardStore(context.Time);
            await using AgentHost host = AgentHost.Create(file, nothing, context.Output, context.Time);
            Check loaded = Check.Ok(
                "agent",
                $"'{file.Agent.Name}' version {file.Agent.Version}: {Show.Count(file.Agent.Tools.Count, "tool")}, {Show.Count(file.Agent.Validators.Count, "validator")}");
            return [loaded, .. await AgentChecks.RunAsync(file, host.Catalog, context.Time, cancellationToken)];
        }
        catch (StewardException e)
        {
            return [Check.Fail("agent", e.Message, "Mend the file.")];
        }
    }

    private void Write(IReadOnlyList<Check> checks)
    {
        context.Output.Document(new JsonObject
        {
            ["ok"] = checks.All(c => c.Level != CheckLevel.Fail),
            ["checks"] = new JsonArray([.. checks.Select(c => (JsonNode)new JsonObject { ["check"] = c.Name, ["level"] = c.Word, ["text"] = c.Text, ["remedy"] = c.Remedy })]),
        });
        foreach (Check check in checks)
        {
            context.Output.Line($"{check.Word,-4}  {check.Name,-9} {check.Text}", Styles.OfWord(check.Word));
            if (check.Remedy is { } remedy)
                context.Output.Line($"                → {remedy}", Styles.Dim);
        }
    }
}
