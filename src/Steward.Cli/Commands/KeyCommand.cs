using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Steward.AspNetCore;
using Steward.Cli.Rendering;
using Steward.Cli.Serving;
using Steward.Client.Contract;
using Steward.Storage;

namespace Steward.Cli.Commands;

/// <summary><c>steward key</c>: the keys for <c>steward serve</c>, in a file that holds their SHA-256.</summary>
internal sealed class KeyCommand(CommandContext context)
{
    private readonly Option<string> _file = new("--file")
    {
        Description = "The file of the keys' SHA-256, for 'steward serve --keys'. A key itself is only printed, once.",
        HelpName = "file",
        Required = true,
    };

    public static Command Create(CommandContext context)
    {
        var keys = new KeyCommand(context);
        return new Command("key", "Make, list and revoke API keys for 'steward serve'.") { keys.Make(), keys.List(), keys.Revoke() };
    }

    private Command Make()
    {
        Argument<string> name = Name("Whose key it is: the journal names its bearer so, for example as the one who approved.");
        var tenant = new Option<string>("--tenant")
        {
            Description = $"The one tenant that its bearer sees; '{KeyFile.AllTenants}' for all.",
            HelpName = "name",
            Required = true,
        };
        Option<string[]> roles = DecideCommand.Roles(
            "A role of its bearer: which approvals they may decide, and 'administrator' for kill switches; several with commas.");
        Option<string?> expires = CommonOptions.Named<string?>(
            "--expires", "When it stops to open anything: a time from now (12h, 90d) or a day (2027-01-31). Never if left out.", "when");
        var command = new Command("create", "Make a key, print it once, and add its SHA-256 to a file.")
        {
            name, tenant, roles, expires, _file,
        };
        command.SetAction(parse =>
        {
            string secret = StewardApiKey.Generate(), whose = parse.GetValue(tenant)!;
            InputRules.CheckName("name", parse.GetValue(name));
            InputRules.CheckName("tenant", whose);
            var key = new StewardApiKey(
                parse.GetValue(name)!,
                whose == KeyFile.AllTenants ? null : whose,
                DecideCommand.Split(parse.GetValue(roles)),
                StewardApiKey.Hash(secret)) { ExpiresAt = Expiry(parse.GetValue(expires)) };
            KeyFile.Add(parse.GetValue(_file)!, key);
            JsonObject document = KeyFile.Document(key);
            document.Insert(0, "key", secret);
            context.Output.Document(document);
            context.Output.Line(secret);
            context.Output.ErrorLine(
                $"This is the key of '{key.Name}', shown this once; {parse.GetValue(_file)} holds its SHA-256. {(key.ExpiresAt is { } at ? $"It expires at {Show.Moment(at)}. " : "")}A server that has the file reads it again by itself.");
            return ExitCodes.Ok;
        });
        return command;
    }

    private Command List()
    {
        var command = new Command("list", "List the keys of a file: whose they are, never the keys.") { _file };
        command.SetAction(parse =>
        {
            IReadOnlyList<StewardApiKey> keys = KeyFile.Load(parse.GetValue(_file)!);
            context.Output.Document(new JsonObject { ["keys"] = new JsonArray([.. keys.Select(Document)]) });
            if (keys.Count == 0)
                context.Output.Line("There are no keys, so a server lets nobody in.", Styles.Dim);
            else
                context.Output.Table(["name", "tenant", "roles", "expires", "state"], [.. keys.Select(Row)]);
            return ExitCodes.Ok;
        });
        return command;
    }

    private Command Revoke()
    {
        Argument<string> name = Name("Whose key it is; 'key list' names them.");
        var command = new Command("revoke", "Take a key out of a file. A server that has the file lets its bearer in no more, and ends its streams.")
        {
            name, _file,
        };
        command.SetAction(parse =>
        {
            KeyFile.Remove(parse.GetValue(_file)!, parse.GetValue(name)!);
            context.Output.Document(new JsonObject { ["name"] = parse.GetValue(name), ["revoked"] = true });
            context.Output.Line($"Revoked the key of '{parse.GetValue(name)}'.", Styles.Good);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Argument<string> Name(string description) => new("name") { Description = description };

    private JsonObject Document(StewardApiKey key)
    {
        JsonObject document = KeyFile.Document(key);
        document.Remove("sha256");
        document["state"] = State(key);
        return document;
    }

    private string[] Row(StewardApiKey key) =>
    [
        key.Name,
        key.Tenant ?? KeyFile.AllTenants,
        string.Join(", ", key.Roles),
        key.ExpiresAt is { } at ? Wire.Time(at) : "never",
        State(key),
    ];

    private string State(StewardApiKey key) => key.ExpiresAt <= context.Time.GetUtcNow() ? "expired" : "ok";

    /// <exception cref="UsageException">It is no time, or one that is over.</exception>
    private DateTimeOffset? Expiry(string? text)
    {
        if (text is null)
            return null;
        DateTimeOffset now = context.Time.GetUtcNow();
        DateTimeOffset? at = text switch
        {
            [.. var count, 'h'] when Whole(count) is { } hours => now.AddHours(hours),
            [.. var count, 'd'] when Whole(count) is { } days => now.AddDays(days),
            _ when DateTimeOffset.TryParse(
                text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset moment) => moment,
            _ => null,
        };
        return at > now
            ? at
            : throw new UsageException(
                $"--expires is '{text}'; write a time from now such as 12h or 90d, or a day to come such as 2027-01-31.");
    }

    private static int? Whole(string count) =>
        int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out int whole) && whole <= 100_000 ? whole : null;
}
