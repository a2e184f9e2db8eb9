using Steward.Retail.Data;
using Steward.Retail.Replay;

[assembly: AssemblyFixture(typeof(Steward.Retail.Tests.RetailFixture))]
// Two cores: classes that each keep both busy only slow each other down.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Steward.Retail.Tests;

/// <summary>The data set and a folder with shops, for all tests; without STEWARD_DATA each test is skipped.</summary>
public sealed class RetailFixture : IDisposable
{
    private readonly Lazy<RetailDataset> _data = new(RetailDataset.Open);
    private readonly Lazy<ReplayFolder> _folder;

    public RetailFixture() => _folder = new Lazy<ReplayFolder>(() => new ReplayFolder(_data.Value));

    internal RetailDataset Data
    {
        get
        {
            if (RetailDataset.Missing() is { } missing)
                Assert.Skip(missing);
            return _data.Value;
        }
    }

    internal ReplayFolder Folder
    {
        get
        {
            _ = Data;
            return _folder.Value;
        }
    }

    internal static ParallelOptions BothCores => new() { MaxDegreeOfParallelism = 2, CancellationToken = TestContext.Current.CancellationToken };

    public void Dispose()
    {
        if (_folder.IsValueCreated)
            _folder.Value.Dispose();
    }
}
