using System.CommandLine;
using System.Text.Json.Nodes;
using Steward.Cli.Host;
using Steward.Cli.Rendering;
using Steward.Cli.Templates;

namespace Steward.Cli.Commands;

/// <summary><c>steward init</c>: writes an agent folder that works as it is.</summary>
internal sealed class InitCommand(CommandContext context)
{
    private readonly Argument<string?> _folder = CommonOptions.Folder("Where to; otherwise here.");
    private readonly Option<bool> _force = CommonOptions.Named<bool>("--force", "Overwrite files that are there already.");

    public static Command Create(CommandContext context) => new InitCommand(context).Create();

    private Command Create()
    {
        var command = new Command(
            "init",
            "Write a working agent folder: agent.yaml, a script to run without an account, and what they need.") { _folder, _force };
        command.SetAction(ExecuteAsync);
        return command;
    }

    private async Task<int> ExecuteAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        string folder = Path.GetFullPath(parse.GetValue(_folder) ?? ".");
        Dictionary<string, string> files = Template.Files.ToDictionary(f => f.Path, f => f.Content, StringComparer.Ordinal);
        if (!parse.GetValue(_force) && files.Keys.FirstOrDefault(f => File.Exists(Path.Combine(folder, f))) is { } there)
            throw new UsageException(
                $"'{Path.Combine(folder, there)}' is there already, and nothing was written. Give another folder, or --force to overwrite.");
        foreach ((string name, string text) in files)
        {
            string path = Path.Combine(folder, name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            await File.WriteAllTextAsync(path, text, cancellationToken);
        }

        Report(parse.GetValue(_folder) ?? ".", folder, files);
        return ExitCodes.Ok;
    }

    private void Report(string given, string folder, Dictionary<string, string> files)
    {
        string agent = StoreLocator.Quote(given);
        context.Output.Document(
            new JsonObject { ["folder"] = folder, ["files"] = new JsonArray([.. files.Keys.Order(StringComparer.Ordinal).Select(f =>
                (JsonNode)f)]) });
        foreach (string file in files.Keys.Order(StringComparer.Ordinal))
            context.Output.Line($"wrote {Path.Combine(given, file)}", Styles.Good);
        context.Output.Line();
        context.Output.Line("Next:", Styles.Bold);
        context.Output.Line($"  steward run {agent}            runs its example; the scripted model speaks, no account is needed");
        context.Output.Line($"  steward show last {agent}      what happened, event by event");
        context.Output.Line($"  steward doctor {agent}         what is missing for a real model");
    }
}
