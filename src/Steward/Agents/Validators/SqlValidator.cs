using System.Globalization;
using System.Text.Json;
using Steward.Journal;
using Steward.State;
using Steward.Tools;
using Steward.Tools.Declarative;

namespace Steward.Agents;

/// <summary>What <see cref="SqlValidator"/> looks at and expects.</summary>
public sealed record SqlValidatorOptions
{
    /// <summary>The validator's name, unique within the agent.</summary>
    public required string Name { get; init; }

    /// <summary>What the statement proves, in words.</summary>
    public string? Description { get; init; }

    /// <summary>The database; it is only read.</summary>
    public required SqlDatabase Database { get; init; }

    /// <summary>One statement that reads, with <c>@answer</c>, <c>@run_id</c>,
    /// <c>@tenant</c>, <c>@user</c> and the captured parameters.</summary>
    public required string Statement { get; init; }

    /// <summary>Parameters taken from the arguments of a tool's successful calls:
    /// <c>user_id</c> → <c>call.send_notification.user_id</c>. All of one tool.</summary>
    /// <remarks>The statement runs for each such call and must hold for each.</remarks>
    public IReadOnlyDictionary<string, string> Captures { get; init; } = new Dictionary<string, string>();

    /// <summary>How many rows there must be.</summary>
    public Bounds Rows { get; init; } = new();

    /// <summary>What the first row must have, by column.</summary>
    public IReadOnlyDictionary<string, JsonElement> FirstRow { get; init; } = new Dictionary<string, JsonElement>();

    /// <summary>How long a statement may take.</summary>
    /// <value>30 seconds.</value>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>Proves an outcome by what is in a database. Reading is enforced by the database.</summary>
public sealed class SqlValidator : IValidator
{
    private const int MaxCalls = 100;
    private static readonly string[] s_builtIn = ["answer", "run_id", "tenant", "user"];
    private readonly SqlValidatorOptions _options;
    private readonly SqlStatement _statement;
    private readonly Dictionary<string, string[]> _captures = new(StringComparer.Ordinal);
    private readonly string? _tool;

    /// <summary>Makes the validator.</summary>
    /// <exception cref="ArgumentException">The statement is not one that reads,
    /// its parameters are not all given, or nothing is expected.</exception>
    public SqlValidator(SqlValidatorOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentException.ThrowIfNullOrWhiteSpace(options.Name);
        string owner = $"The validator '{options.Name}'";
        _options = options;
        _statement = SqlTool.Parse(owner, options.Statement, options.Database, SqlTool.Reads);
        options.Rows.Check(owner);
        if (options.Rows.IsEmpty && options.FirstRow.Count == 0)
            throw new ArgumentException($"{owner} expects nothing: say how many rows, or what the first one has.", nameof(options));
        foreach ((string name, string source) in options.Captures)
            _tool = Capture(owner, name, source);
        if (_statement.Parameters.Except(s_builtIn).Except(_captures.Keys).FirstOrDefault() is { } unknown)
            throw new ArgumentException($"{owner} uses '@{unknown}', which is not given.", nameof(options));
        if (_captures.Keys.Except(_statement.Parameters).FirstOrDefault() is { } unused)
            throw new ArgumentException($"{owner} captures '{unused}', which its statement does not use.", nameof(options));
        Description = $"{options.Description ?? "The database proves it"}: {options.Statement} gives {Expected}{(_tool is null ? "" : $", for each call of {_tool} with {string.Join(", ", options.Captures.OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => $"@{c.Key} = {c.Value}"))}")}.";
    }

    /// <inheritdoc/>
    public string Name => _options.Name;

    /// <inheritdoc/>
    public string Description { get; }

    private string Expected
    {
        get
        {
            string rows = _options.Rows.IsEmpty ? "a row or more" : $"{_options.Rows} rows";
            return _options.FirstRow.Count == 0
                ? rows
                : $"{rows}, the first with {string.Join(", ", _options.FirstRow.OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => $"{c.Key} = {c.Value.GetRawText()}"))}";
        }
    }

    /// <inheritdoc/>
    public async ValueTask<Finding> ValidateAsync(ValidationContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        var given = new Dictionary<string, object?>(StringComparer.Ordinal)
        {
            ["answer"] = context.Answer,
            ["run_id"] = context.State.Run.ToString(),
            ["tenant"] = context.State.Started.Tenant,
            ["user"] = context.State.Started.User,
        };
        if (_tool is null)
            return await LookAsync(given, cancellationToken);

        CompletedCall[] calls = [.. context.Calls.Where(c => c.Name == _tool && c is { Started: true, IsError: false })];
        if (calls.Length == 0)
            return Finding.Failed($"'{_tool}' was never called successfully, so there is nothing to look for.");
        if (calls.Length > MaxCalls)
            return Finding.Inconclusive($"'{_tool}' was called {calls.Length} times; more than {MaxCalls} are not looked up.");
        Finding finding = Finding.Passed("");
        foreach (CompletedCall call in calls)
        {
            foreach ((string name, string[] path) in _captures)
                given[name] = SqlTool.Value(Find(call.Arguments, path));
            finding = await LookAsync(given, cancellationToken);
            if (finding.Verdict != Verdict.Passed)
                return finding;
        }

        return calls.Length == 1
            ? finding
            : finding with { Evidence = $"So it is for each of {calls.Length} calls of '{_tool}'; for the last one: {finding.Evidence}" };
    }

    private string Capture(string owner, string name, string source)
    {
        string[] parts = source.Split('.');
        if (parts.Length < 3 || parts[0] != "call" || !ToolDefinition.IsName(parts[1]) || parts.Any(p => p.Length == 0))
            throw new ArgumentException($"{owner} captures '{source}'; write 'call.<tool>.<argument>'.");
        if (!ToolParameters.IsName(name) || s_builtIn.Contains(name))
            throw new ArgumentException(
                $"{owner} captures under the name '{name}': take letters, digits and '_', and none of {string.Join(", ", s_builtIn)}.");
        if (_tool is not null && _tool != parts[1])
            throw new ArgumentException(
                $"{owner} captures from '{_tool}' and '{parts[1]}': which calls belong together cannot be told. Make two validators.");
        _captures.Add(name, parts[2..]);
        return parts[1];
    }

    private async Task<Finding> LookAsync(Dictionary<string, object?> values, CancellationToken cancellationToken)
    {
        string where = _statement.Parameters.Count == 0
            ? ""
            : $" with {string.Join(", ", _statement.Parameters.Select(p => $"@{p} = {JsonMatch.Short(JsonText.Write(json => SqlRows.WriteValue(json, values[p])), 100)}"))}";
        string looked = $"Looked up \"{JsonMatch.Short(_statement.Text)}\"{where}";
        SqlRows rows;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_options.Timeout);
        try
        {
            rows = await _options.Database.ReadAsync(
                new SqlCall(_statement, values, _options.Timeout, _options.Rows.Largest + 1, 1024 * 1024), limit.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Finding.Inconclusive($"{looked}: the database did not answer within {_options.Timeout.TotalSeconds:0.###} s.");
        }
        catch (ToolException e)
        {
            return Finding.Inconclusive($"{looked}: {e.Message}");
        }

        string first = rows.Rows.Count == 0 ? "" : $", the first {JsonMatch.Short(Row(rows))}";
        string seen = $"{looked}: {(rows.Truncated ? "more than " : "")}{rows.Rows.Count.ToString(CultureInfo.InvariantCulture)} rows{first}; expected {Expected}.";
        if (_options.FirstRow.Keys.Except(rows.Columns).FirstOrDefault() is { } missing)
            return Finding.Inconclusive($"{seen} There is no column '{missing}'.");
        return Holds(rows) ? Finding.Passed(seen) : Finding.Failed(seen);
    }

    private bool Holds(SqlRows rows)
    {
        // A count cut short stands for any larger one.
        bool counted = rows.Truncated
            ? _options.Rows is { Exactly: null, AtMost: null }
            : _options.Rows.Hold(rows.Rows.Count);
        if (!counted || _options.FirstRow.Count == 0)
            return counted;
        if (rows.Rows.Count == 0)
            return false;
        JsonElement first = JsonElement.Parse(Row(rows));
        return _options.FirstRow.All(column => IsSame(first.GetProperty(column.Key), column.Value));
    }

    // SQLite has no booleans: 0 and 1 stand for them.
    private static bool IsSame(JsonElement actual, JsonElement expected) => (actual.ValueKind, expected.ValueKind) switch
    {
        (JsonValueKind.Number, JsonValueKind.True) => actual.TryGetInt64(out long one) && one == 1,
        (JsonValueKind.Number, JsonValueKind.False) => actual.TryGetInt64(out long zero) && zero == 0,
        _ => JsonElement.DeepEquals(actual, expected),
    };

    private static string Row(SqlRows rows) => JsonText.Write(json => rows.WriteRow(json, rows.Rows[0]));

    private static JsonElement? Find(JsonElement? arguments, string[] path)
    {
        JsonElement? at = arguments;
        foreach (string name in path)
            at = at is { ValueKind: JsonValueKind.Object } element && element.TryGetProperty(name, out JsonElement next) ? next : null;
        return at;
    }
}
