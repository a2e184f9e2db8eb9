using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace Steward.Postgres.Data;

/// <summary>Statements are written for the schema <c>steward</c> and the clock
/// <c>steward.now()</c>; this puts in those that the options name.</summary>
internal sealed class Sql(string schema, string clock)
{
    private readonly ConcurrentDictionary<string, string> _texts = new(StringComparer.Ordinal);

    public string Schema => schema;

    /// <summary>The lock that the start of an effect shares, and a change of a switch or a ceiling takes alone.</summary>
    public long ControlLock { get; } = Key($"{schema}:control");

    public long MigrationLock { get; } = Key($"{schema}:migrations");

    /// <summary>Begins the text under which sessions are locked.</summary>
    public string SessionPrefix { get; } = $"steward:{schema}:session:";

    /// <summary>Begins the text under which limits are checked.</summary>
    public string LimitPrefix { get; } = $"steward:{schema}:limit:";

    /// <param name="text">A constant; what is made of it is kept.</param>
    public string Of(string text) => _texts.GetOrAdd(text, t => t
        .Replace("steward.now()", clock, StringComparison.Ordinal)
        .Replace("steward.", $"\"{schema}\".", StringComparison.Ordinal));

    private static long Key(string name) => BitConverter.ToInt64(SHA256.HashData(Encoding.UTF8.GetBytes($"steward:{name}")));
}
