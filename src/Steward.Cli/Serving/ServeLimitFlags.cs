using System.CommandLine;
using Steward.AspNetCore;
using Steward.Cli.Commands;

namespace Steward.Cli.Serving;

/// <summary>Options of <c>steward serve</c> for how much one caller may do; all callers of a tenant together may do ten times as
/// much.</summary>
internal sealed class ServeLimitFlags
{
    private const int TenantShare = 10;
    private const int Most = 1_000_000;

    public Option<int?> Streams { get; } = CommonOptions.Named<int?>(
        "--max-streams", "Most streams and waiting requests of one key at once; 200 otherwise. A tenant has ten times as many.", "n");

    public Option<int?> Requests { get; } = CommonOptions.Named<int?>(
        "--max-requests", "Most requests of one key in a minute; 60,000 otherwise. A tenant has ten times as many.", "n");

    public Option<int?> Writes { get; } = CommonOptions.Named<int?>(
        "--max-writes", "Most runs, messages, signals and feedback of one key in a minute; 6,000 otherwise. A tenant has ten times as many.", "n");

    /// <exception cref="UsageException">A value is out of its range.</exception>
    public Action<StewardApiOptions> Read(ParseResult parse)
    {
        int? streams = Value(parse, Streams), requests = Value(parse, Requests), writes = Value(parse, Writes);
        return options =>
        {
            Set(options.PerCaller, 1);
            Set(options.PerTenant, TenantShare);
        };

        void Set(StewardApiLimits limits, int share)
        {
            limits.Streams = streams * share ?? limits.Streams;
            limits.RequestsPerMinute = requests * share ?? limits.RequestsPerMinute;
            limits.WritesPerMinute = writes * share ?? limits.WritesPerMinute;
        }
    }

    private static int? Value(ParseResult parse, Option<int?> option) => parse.GetValue(option) switch
    {
        null => null,
        >= 1 and <= Most and int value => value,
        int value => throw new UsageException($"{option.Name} is {value}; it must be 1 to {Most}."),
    };
}
