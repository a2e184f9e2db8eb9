using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Steward.Agents;
using Steward.Client;
using Steward.Hosting;
using Steward.Journal;
using Steward.Models;
using Steward.Retail.Data;
using Steward.Retail.Replay;
using Steward.Retail.Shop;
using Steward.Retail.Tools;
using Steward.Sqlite;
using Steward.State;
using Steward.Storage;
using Steward.Tools;

namespace Steward.Retail;

/// <summary>How a desk differs from the usual one; what is left out is as an application has it.</summary>
internal sealed record RetailDeskOptions
{
    /// <summary>The model.</summary>
    /// <value>The scripted one, which makes the recorded calls.</value>
    public Func<GoldenTask, IChatClient> Model { get; init; } = static task => GoldenModel.Of(task.Calls);

    /// <summary>Whether anything but the model's word is asked for before a run is completed.</summary>
    /// <value>True.</value>
    public bool Validated { get; init; } = true;

    /// <summary>Whether the journal must show the recorded calls exactly, or at least.</summary>
    /// <value>Exactly.</value>
    public bool ExactCalls { get; init; } = true;

    /// <summary>Most rounds of validation.</summary>
    /// <value>3.</value>
    public int ValidationRounds { get; init; } = 3;

    /// <summary>Puts something around a tool.</summary>
    public Func<ToolDefinition, ToolDefinition> Decorate { get; init; } = static tool => tool;

    /// <summary>Where runs are kept.</summary>
    /// <value><c>runs.db</c> beside the shop.</value>
    public Func<IStewardStore>? Store { get; init; }

    /// <summary>Sets the runtime's options.</summary>
    public Action<StewardOptions>? Configure { get; init; }
}

/// <summary>A support desk for one task: a shop of its own, the agent, and the runtime that runs it.</summary>
internal sealed class RetailDesk : IAsyncDisposable
{
    private const string Agent = "retail";
    private const string Provider = "scripted";

    private readonly IHost _host;
    private readonly GoldenTask _task;

    private RetailDesk(RetailDataset data, GoldenTask task, RetailDatabase shop, Snapshot before, string folder, RetailDeskOptions options)
    {
        _task = task;
        Shop = shop;
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        StewardBuilder steward = builder.Services.AddSteward(o =>
            {
                o.Prices.Add(Price);
                options.Configure?.Invoke(o);
            })
            .AddModels(Provider, (_, _) => options.Model(task))
            .AddAgent(new AgentBuilder(Agent, version: "1")
                .Instruct(data.Policy)
                .UseModel(new ModelTarget(Provider, Price.Model) { Stream = false, MaxOutput = 1_024 })
                .AddTools([.. new RetailTools(shop, data).Create().Select(options.Decorate)])
                .AddValidators(options.Validated ? [OutcomeValidators.Database(shop, before, task), OutcomeValidators.Calls(task, options.ExactCalls)] : [])
                .WithBudget(new BudgetCeilings { Usd = 1.00m, ToolCalls = 60 })
                .WithLimits(new AgentLimits { ValidationRounds = options.ValidationRounds })
                .Build());
        _ = options.Store is { } store ? steward.UseStore(_ => store()) : steward.UseSqlite(Path.Combine(folder, "runs.db"));
        _host = builder.Build();
        Store = _host.Services.GetRequiredService<IStewardStore>();
    }

    /// <summary>The scripted model reports four characters as a token; here they cost what they would with Claude Haiku 4.5, uncached.</summary>
    public static ModelInfo Price { get; } = ModelCatalog.Default.Find("anthropic", "claude-haiku-4-5")! with { Provider = Provider, Model = "golden" };

    /// <summary>The shop.</summary>
    public RetailDatabase Shop { get; }

    /// <summary>The journal.</summary>
    public IStewardStore Store { get; }

    /// <summary>The calls of the run that was served, with what the model was shown.</summary>
    public IReadOnlyList<CompletedCall> Calls { get; private set; } = [];

    /// <summary>Where the shop of a folder is.</summary>
    public static string ShopFile(string folder) => Path.Combine(folder, "shop.db");

    /// <summary>Opens a desk on a folder's shop.</summary>
    /// <param name="data">The data set.</param>
    /// <param name="task">The task.</param>
    /// <param name="folder">The folder; it holds a shop.</param>
    /// <param name="before">The shop before the task.</param>
    /// <param name="options">How it differs.</param>
    public static RetailDesk Open(RetailDataset data, GoldenTask task, string folder, Snapshot before, RetailDeskOptions? options = null) =>
        new(data, task, RetailDatabase.Open(ShopFile(folder)), before, folder, options ?? new RetailDeskOptions());

    /// <summary>Serves the customer: starts the run, or finds it again when it was started before, and waits for its end.</summary>
    public async Task<RunResult> ServeAsync(CancellationToken cancellationToken = default)
    {
        await _host.StartAsync(cancellationToken);
        IStewardClient steward = _host.Services.GetRequiredService<IStewardClient>();
        RunHandle run = await steward.StartAsync(Agent, new RunRequest(_task.Instruction) { User = _task.User, Key = $"task-{_task.Id}" }, cancellationToken);
        RunResult result = await run.WaitUntilSettledAsync(cancellationToken);
        Calls = (await run.GetStateAsync(cancellationToken)).Completed;
        return result;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        // The container owns the store, and can only be left asynchronously.
        await ((IAsyncDisposable)_host).DisposeAsync();
        Shop.Dispose();
    }
}
