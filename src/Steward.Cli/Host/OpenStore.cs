using Microsoft.Extensions.Logging;
using Steward.Cli.Rendering;
using Steward.Declarative.Stores;
using Steward.Postgres;
using Steward.Sqlite;
using Steward.Storage;

namespace Steward.Cli.Host;

/// <summary>An open database.</summary>
internal sealed record OpenStore(StoreAddress Address, IStewardStore Store) : IAsyncDisposable
{
    public static async Task<OpenStore> OpenAsync(
        StoreAddress address,
        Output output,
        TimeProvider time,
        bool acceptLoss = false,
        CancellationToken cancellationToken = default) =>
        new(
            address,
            address.Path is { } path
                ? await OpenFileAsync(path, output, time, acceptLoss, cancellationToken) : await OpenServerAsync(address, output,
                    cancellationToken));

    public ValueTask DisposeAsync() => Store.DisposeAsync();

    private static async Task<IStewardStore> OpenFileAsync(
        string path,
        Output output,
        TimeProvider time,
        bool acceptLoss,
        CancellationToken cancellationToken)
    {
        PrivateFiles.CreateFolder(Path.GetDirectoryName(path)!);
        ILogger logger = new StderrLogger("Steward.Sqlite", output);
        return await SqliteStewardStore.OpenAsync(
            new SqliteStoreOptions { Path = path, AcceptLoss = acceptLoss }, time, logger, cancellationToken);
    }

    private static async Task<IStewardStore> OpenServerAsync(StoreAddress address, Output output, CancellationToken cancellationToken)
    {
        ILogger logger = new StderrLogger("Steward.Postgres", output);
        var options = new PostgresStoreOptions
        {
            ConnectionString = address.ConnectionString,
            Schema = address.Schema,
            Pooled = address.Pooled,
            LosslessFailover = address.LosslessFailover,
        };
        try
        {
            return await PostgresStewardStore.OpenAsync(options, logger, cancellationToken);
        }
        catch (ArgumentException e)
        {
            throw new UsageException(e.Message);
        }
    }
}
