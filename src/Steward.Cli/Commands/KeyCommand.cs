using System.CommandLine;
using System.Text.Json.Nodes;
using Steward.AspNetCore;
using Steward.Cli.Rendering;
using Steward.Cli.Serving;

namespace Steward.Cli.Commands;

/// <summary><c>steward key create</c>: a key for <c>steward serve</c>.</summary>
internal static class KeyCommand
{
    public static Command Create(CommandContext context) => new("key", "Make API keys for 'steward serve'.") { Make(context) };

    private static Command Make(CommandContext context)
    {
        var name = new Argument<string>("name")
        {
            Description = "Whose key it is: the journal names its bearer so, for example as the one who approved.",
        };
        var tenant = new Option<string>("--tenant")
        {
            Description = $"The one tenant that its bearer sees; '{KeyFile.AllTenants}' for all.",
            HelpName = "name",
            Required = true,
        };
        Option<string[]> roles = DecideCommand.Roles(
            "A role of its bearer: which approvals they may decide, and 'administrator' for kill switches; several with commas.");
        var file = new Option<string>("--file")
        {
            Description = "The file that the key's SHA-256 is added to, for 'steward serve --keys'. The key itself is only printed.",
            HelpName = "file",
            Required = true,
        };
        var command = new Command("create", "Make a key, print it once, and add its SHA-256 to a file.") { name, tenant, roles, file };
        command.SetAction(parse =>
        {
            if (string.IsNullOrWhiteSpace(parse.GetValue(name)) || string.IsNullOrWhiteSpace(parse.GetValue(tenant)))
                throw new UsageException("The name and the tenant of a key cannot be empty.");
            string secret = StewardApiKey.Generate(), whose = parse.GetValue(tenant)!;
            var key = new StewardApiKey(
                parse.GetValue(name)!,
                whose == KeyFile.AllTenants ? null : whose,
                DecideCommand.Split(parse.GetValue(roles)),
                StewardApiKey.Hash(secret));
            KeyFile.Add(parse.GetValue(file)!, key);
            JsonObject document = KeyFile.Document(key);
            document.Insert(0, "key", secret);
            context.Output.Document(document);
            context.Output.Line(secret);
            context.Output.ErrorLine(
                $"This is the key of '{key.Name}', shown this once; {parse.GetValue(file)} holds its SHA-256. Servers read the file when they start.");
            return ExitCodes.Ok;
        });
        return command;
    }
}
