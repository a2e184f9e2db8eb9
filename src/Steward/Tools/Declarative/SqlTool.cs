using System.Text.Json;
using Steward.Journal;

namespace Steward.Tools.Declarative;

/// <summary>A tool that runs one SQL statement.</summary>
public sealed record SqlToolOptions : DeclaredToolOptions
{
    /// <summary>The database.</summary>
    public required SqlDatabase Database { get; init; }

    /// <summary>One statement with <c>@named</c> parameters: the declared ones and
    /// <c>@idempotency_key</c>, <c>@run_id</c>, <c>@tenant</c>, <c>@user</c>.</summary>
    public required string Statement { get; init; }

    /// <summary>What it does to the world. <see cref="ToolEffect.ReadOnly"/> is enforced by the database.</summary>
    /// <value><see cref="ToolEffect.ReadOnly"/>.</value>
    public ToolEffect Effect { get; init; } = ToolEffect.ReadOnly;

    /// <summary>A statement that reads what the effect with <c>@idempotency_key</c>
    /// left: a row or more means that it took place, none that it did not.</summary>
    public string? Probe { get; init; }

    /// <summary>Most rows that are given back.</summary>
    /// <value>100.</value>
    public int MaxRows { get; init; } = 100;

    /// <summary>Most bytes of all cells together; a cell beyond it is cut.</summary>
    /// <value>1 MiB.</value>
    public int MaxBytes { get; init; } = 1024 * 1024;
}

/// <summary>Makes tools of SQL statements. Values are always parameters; a statement is never put together from text.</summary>
/// <remarks>
/// A write runs in one transaction. A failure before its commit had no effect and is told to the model. A failure of the commit itself
/// leaves the outcome unknown, and its exception passes to the runtime.
/// </remarks>
public static class SqlTool
{
    internal static readonly string[] BuiltIn = ["idempotency_key", "run_id", "tenant", "user"];

    private static readonly string[] s_reads = ["SELECT", "WITH", "VALUES", "TABLE", "EXPLAIN", "SHOW"];
    private static readonly string[] s_writes = ["INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE", "WITH", "SELECT", "CALL"];

    /// <summary>Makes the tool.</summary>
    /// <exception cref="ArgumentException">The statement is not one statement, of a kind
    /// that a tool cannot run, or its parameters do not match the declared ones.</exception>
    public static ToolDefinition Create(SqlToolOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.MaxRows < 1 || options.MaxBytes < 1)
            throw new ArgumentException($"The tool '{options.Name}' needs MaxRows and MaxBytes of 1 or more.");
        bool reads = options.Effect == ToolEffect.ReadOnly;
        SqlStatement statement = Parse(options, options.Statement, reads ? s_reads : s_writes);
        SqlStatement? probe = options.Probe is { } text ? Parse(options, text, s_reads) : null;
        CheckParameters(options, statement, probe);

        ToolProbe? handler = probe is null ? null : (context, arguments, cancellationToken) =>
            ProbeAsync(options, probe, context, arguments, cancellationToken);
        return options.Define(
            options.Effect,
            (context, arguments, cancellationToken) => RunAsync(options, statement, probe, context, arguments, cancellationToken),
            handler);
    }

    /// <summary>Parses a statement that must start with one of some words.</summary>
    internal static SqlStatement Parse(string owner, string text, SqlDatabase database, IReadOnlyList<string> verbs)
    {
        SqlStatement statement;
        try
        {
            statement = SqlStatement.Parse(text, database.Dialect);
        }
        catch (ArgumentException e)
        {
            throw new ArgumentException($"{owner}: {e.Message}", e);
        }

        return verbs.Contains(statement.Verb)
            ? statement
            : throw new ArgumentException(
                $"{owner}: the SQL statement starts with '{statement.Verb}'; here it must be one of {string.Join(", ", verbs)}.");
    }

    internal static IReadOnlyList<string> Reads => s_reads;

    private static SqlStatement Parse(SqlToolOptions options, string text, string[] verbs) =>
        Parse($"The tool '{options.Name}'", text, options.Database, verbs);

    private static void CheckParameters(SqlToolOptions options, SqlStatement statement, SqlStatement? probe)
    {
        string[] used = [.. statement.Parameters.Union(probe?.Parameters ?? [], StringComparer.Ordinal)];
        string[] declared = [.. options.Parameters.Select(p => p.Name)];
        if (declared.Intersect(BuiltIn, StringComparer.OrdinalIgnoreCase).FirstOrDefault() is { } taken)
            throw new ArgumentException($"The tool '{options.Name}' declares '{taken}', which the runtime gives; choose another name.");
        if (used.Except(declared, StringComparer.Ordinal).Except(BuiltIn, StringComparer.Ordinal).FirstOrDefault() is { } unknown)
            throw new ArgumentException($"The tool '{options.Name}' uses '@{unknown}', which is not declared.");
        if (declared.Except(used, StringComparer.Ordinal).FirstOrDefault() is { } unused)
            throw new ArgumentException($"The tool '{options.Name}' declares '{unused}', which its statement does not use.");
        if (options.Effect == ToolEffect.Idempotent && !statement.Parameters.Contains("idempotency_key"))
            throw new ArgumentException(
                $"The tool '{options.Name}' is declared idempotent but does not write '@idempotency_key': put it in a unique column.");
        if (probe is not null && !probe.Parameters.Contains("idempotency_key"))
            throw new ArgumentException($"The probe of the tool '{options.Name}' does not look for '@idempotency_key'.");
    }

    private static async ValueTask<ToolOutput> RunAsync(
        SqlToolOptions options, SqlStatement statement, SqlStatement? probe, ToolContext context, JsonElement arguments,
            CancellationToken cancellationToken)
    {
        SqlCall call = Call(options, statement, context, arguments);
        if (options.Effect == ToolEffect.ReadOnly)
            return new ToolOutput((await options.Database.ReadAsync(call, cancellationToken)).ToJson(wrote: false));
        try
        {
            return new ToolOutput((await options.Database.WriteAsync(call, cancellationToken)).ToJson(wrote: true));
        }
        catch (ToolException) when (probe is not null && context.Attempt > 1)
        {
            // The first attempt may have taken effect, so that this one broke the key's unique constraint.
            ProbeResult found = await ProbeAsync(options, probe, context, arguments, cancellationToken);
            if (found.Outcome != EffectOutcome.Happened)
                throw;
            return new ToolOutput(found.Result!);
        }
    }

    private static async ValueTask<ProbeResult> ProbeAsync(
        SqlToolOptions options,
        SqlStatement probe,
        ToolContext context,
        JsonElement arguments,
        CancellationToken cancellationToken)
    {
        SqlRows rows = await options.Database.ReadAsync(Call(options, probe, context, arguments), cancellationToken);
        return rows.Rows.Count > 0 ? ProbeResult.Happened(rows.ToJson(wrote: false)) : ProbeResult.DidNotHappen;
    }

    private static SqlCall Call(SqlToolOptions options, SqlStatement statement, ToolContext context, JsonElement arguments)
    {
        var values = new Dictionary<string, object?>(StringComparer.Ordinal)
        {
            ["idempotency_key"] = context.IdempotencyKey,
            ["run_id"] = context.Run.ToString(),
            ["tenant"] = context.Tenant,
            ["user"] = context.User,
        };
        foreach (ToolParameter parameter in options.Parameters)
            values[parameter.Name] = Value(ToolParameters.Value(parameter, arguments));
        return new SqlCall(statement, values, options.Timeout, options.MaxRows, options.MaxBytes);
    }

    /// <summary>A JSON value as a parameter's value; objects and arrays as their text.</summary>
    internal static object? Value(JsonElement? element) => element switch
    {
        null or { ValueKind: JsonValueKind.Null or JsonValueKind.Undefined } => null,
        { ValueKind: JsonValueKind.String } text => text.GetString(),
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        { ValueKind: JsonValueKind.Number } number => Number(number),
        { } other => other.GetRawText(),
    };

    private static object Number(JsonElement number)
    {
        if (ToolParameters.Integer(number) is { } whole)
            return whole;
        return number.GetDouble();
    }
}
