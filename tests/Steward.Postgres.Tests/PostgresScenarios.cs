using Steward.Storage;
using Steward.Tests.Scenarios;
using Steward.Tests.Shared;

namespace Steward.Postgres.Tests;

public sealed class PostgresCeilingTests(ITestOutputHelper output) : CeilingTests(output), IAsyncDisposable
{
    private readonly TestSchema _schema = new();

    public ValueTask DisposeAsync() => _schema.DisposeAsync();

    protected override async Task<IStewardStore> OpenAsync() => await _schema.OpenAsync();
}

public sealed class PostgresKillSwitchTests(ITestOutputHelper output) : KillSwitchTests(output), IAsyncDisposable
{
    private readonly TestSchema _schema = new();

    public ValueTask DisposeAsync() => _schema.DisposeAsync();

    protected override async Task<IStewardStore> OpenAsync() => await _schema.OpenAsync();
}

public sealed class PostgresConcurrencyTests(ITestOutputHelper output) : ConcurrencyTests(output), IAsyncDisposable
{
    private readonly TestSchema _schema = new();

    public ValueTask DisposeAsync() => _schema.DisposeAsync();

    protected override async Task<IStewardStore> OpenAsync() => await _schema.OpenAsync();

    protected override Task<IStewardStore> OpenAgainAsync(IStewardStore first) => OpenAsync();
}

/// <summary>Fault D9: behind a pooler in transaction mode.</summary>
public sealed class PooledCeilingTests(ITestOutputHelper output) : CeilingTests(output), IAsyncDisposable
{
    private readonly TestSchema _schema = new();

    public ValueTask DisposeAsync() => _schema.DisposeAsync();

    protected override async Task<IStewardStore> OpenAsync() => await _schema.OpenPooledAsync(Requirement.PgBouncer());
}

/// <summary>Fault D9: behind a pooler in transaction mode.</summary>
public sealed class PooledKillSwitchTests(ITestOutputHelper output) : KillSwitchTests(output), IAsyncDisposable
{
    private readonly TestSchema _schema = new();

    public ValueTask DisposeAsync() => _schema.DisposeAsync();

    protected override async Task<IStewardStore> OpenAsync() => await _schema.OpenPooledAsync(Requirement.PgBouncer());
}

/// <summary>Fault D9: behind a pooler in transaction mode.</summary>
public sealed class PooledConcurrencyTests(ITestOutputHelper output) : ConcurrencyTests(output), IAsyncDisposable
{
    private readonly TestSchema _schema = new();

    public ValueTask DisposeAsync() => _schema.DisposeAsync();

    protected override async Task<IStewardStore> OpenAsync() => await _schema.OpenPooledAsync(Requirement.PgBouncer());

    protected override Task<IStewardStore> OpenAgainAsync(IStewardStore first) => OpenAsync();
}

/// <summary>By itself: it measures the process.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

[Collection(nameof(Alone))]
public sealed class PostgresLifeTests(ITestOutputHelper output) : LifeScenarios(output), IAsyncDisposable
{
    private readonly TestSchema _schema = new();

    public ValueTask DisposeAsync() => _schema.DisposeAsync();

    protected override async Task<IStewardStore> OpenAsync() => await _schema.OpenAsync();
}
