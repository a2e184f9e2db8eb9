using Microsoft.Extensions.Logging;
using Steward.Cli.Rendering;
using Steward.Sqlite;

namespace Steward.Cli.Host;

/// <summary>An open database.</summary>
internal sealed record OpenStore(string Path, SqliteStewardStore Store) : IAsyncDisposable
{
    public static async Task<OpenStore> OpenAsync(string path, Output output, TimeProvider time, bool acceptLoss = false, CancellationToken cancellationToken = default)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        ILogger logger = new StderrLogger("Steward.Sqlite", output);
        return new OpenStore(path, await SqliteStewardStore.OpenAsync(new SqliteStoreOptions { Path = path, AcceptLoss = acceptLoss }, time, logger, cancellationToken));
    }

    public ValueTask DisposeAsync() => Store.DisposeAsync();
}
