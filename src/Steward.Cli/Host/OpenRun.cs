using Steward.Storage;

namespace Steward.Cli.Host;

/// <summary>The run that a command is about, in its open database.</summary>
internal sealed record OpenRun(OpenStore Opened, RunInfo Info) : IAsyncDisposable
{
    public IStewardStore Store => Opened.Store;

    public ValueTask DisposeAsync() => Opened.DisposeAsync();
}
