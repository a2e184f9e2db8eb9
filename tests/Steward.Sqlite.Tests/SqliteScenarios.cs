using Steward.Storage;
using Steward.Tests.Scenarios;

namespace Steward.Sqlite.Tests;

public sealed class SqliteCeilingTests(ITestOutputHelper output) : CeilingTests(output), IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    protected override async Task<IStewardStore> OpenAsync() => await _folder.OpenAsync();
}

public sealed class SqliteKillSwitchTests(ITestOutputHelper output) : KillSwitchTests(output), IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    protected override async Task<IStewardStore> OpenAsync() => await _folder.OpenAsync();
}

public sealed class SqliteConcurrencyTests(ITestOutputHelper output) : ConcurrencyTests(output), IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    protected override async Task<IStewardStore> OpenAsync() => await _folder.OpenAsync();

    protected override Task<IStewardStore> OpenAgainAsync(IStewardStore first) => OpenAsync();
}

/// <summary>By itself: it measures the process.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

[Collection(nameof(Alone))]
public sealed class SqliteLifeTests(ITestOutputHelper output) : LifeScenarios(output), IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    protected override async Task<IStewardStore> OpenAsync() => await _folder.OpenAsync(
        o => Environment.GetEnvironmentVariable("STEWARD_WRITER_CACHE") is { } kib ? o with { WriterCache = int.Parse(kib, System.Globalization.CultureInfo.InvariantCulture) } : o);
}
