using Steward.Retail.Data;
using Steward.Retail.Shop;

namespace Steward.Retail.Replay;

/// <summary>A folder for replays, deleted at its end: the shop before any task, made once, and a copy of it for each desk.</summary>
internal sealed class ReplayFolder : IDisposable
{
    private readonly string _path = Directory.CreateTempSubdirectory("steward-retail-").FullName;
    private int _desks;

    /// <summary>Makes the shop.</summary>
    public ReplayFolder(RetailDataset data)
    {
        string shop = RetailDesk.ShopFile(_path);
        RetailDatabase.Create(shop, data);
        using RetailDatabase database = RetailDatabase.Open(shop);
        Before = Snapshot.Of(database);
    }

    /// <summary>The shop before any task.</summary>
    public Snapshot Before { get; }

    /// <summary>A folder of its own with a fresh shop.</summary>
    public string NewDesk()
    {
        string folder = Directory.CreateDirectory(Path.Combine(_path, $"{Interlocked.Increment(ref _desks)}")).FullName;
        File.Copy(RetailDesk.ShopFile(_path), RetailDesk.ShopFile(folder));
        return folder;
    }

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_path, recursive: true);
}
