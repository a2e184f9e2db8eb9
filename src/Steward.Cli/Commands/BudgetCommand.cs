using System.CommandLine;
using Steward.Cli.Host;
using Steward.Cli.Rendering;
using Steward.Client.Contract;
using Steward.Journal;
using Steward.Storage;

namespace Steward.Cli.Commands;

/// <summary><c>steward budget show|set|clear</c>: ceilings, and what is spent under them.</summary>
internal sealed class BudgetCommand(CommandContext context)
{
    private const string Scopes = "global, tenant:NAME, agent:NAME (for each day), session:TENANT/NAME or run:ID.";

    public static Command Create(CommandContext context)
    {
        var budget = new BudgetCommand(context);
        return new Command(
            "budget",
            "Show and change ceilings. They hold for every call that starts from then on.") { budget.Show(), budget.Set(), budget.Clear() };
    }

    private Command Show()
    {
        var prefix = new Argument<string?>("scope")
        {
            Description = $"Only scopes that begin like this: {Scopes}",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Argument<string?> folder = CommonOptions.Folder("The agent's folder whose database is meant; otherwise this one.");
        var command = new Command("show", "Show ceilings and spending.") { prefix, folder };
        command.SetAction(async (parse, cancellationToken) =>
        {
            await using OpenStore store = await context.OpenAsync(parse, parse.GetValue(folder), cancellationToken);
            string wanted = await RunFinder.ScopeAsync(store.Store, parse.GetValue(prefix) ?? "", cancellationToken);
            Write(await store.Store.BudgetsAsync(wanted, cancellationToken: cancellationToken));
            return ExitCodes.Ok;
        });
        return command;
    }

    private Command Set()
    {
        var scope = new Argument<string>("scope") { Description = Scopes };
        Argument<string?> folder = CommonOptions.Folder("The agent's folder whose database is meant; otherwise this one.");
        Option<decimal?> usd = CommonOptions.Named<decimal?>("--usd", "Most US dollars.", "amount");
        Option<long?> tokens = CommonOptions.Named<long?>("--tokens", "Most tokens, in and out together.", "count");
        Option<long?> models = CommonOptions.Named<long?>("--model-calls", "Most calls to models.", "count");
        Option<long?> tools = CommonOptions.Named<long?>("--tool-calls", "Most tool calls.", "count");
        var command = new Command(
            "set", "Set ceilings; those that are not named stay as they are.") { scope, folder, usd, tokens, models, tools };
        command.SetAction(async (parse, cancellationToken) =>
        {
            var given = new BudgetCeilings
            {
                Usd = parse.GetValue(usd),
                Tokens = parse.GetValue(tokens),
                ModelCalls = parse.GetValue(models),
                ToolCalls = parse.GetValue(tools),
            };
            if (given == BudgetCeilings.None)
                throw new UsageException("Say what to set: --usd, --tokens, --model-calls or --tool-calls.");
            if (given.Usd < 0 || given.Tokens < 0 || given.ModelCalls < 0 || given.ToolCalls < 0)
                throw new UsageException("A ceiling cannot be below 0.");
            await using OpenStore store = await context.OpenAsync(parse, parse.GetValue(folder), cancellationToken);
            BudgetScope where = await ParseAsync(store, parse.GetValue(scope)!, cancellationToken);
            BudgetCeilings old = (await FindAsync(store, where, cancellationToken))?.Ceilings ?? BudgetCeilings.None;
            await store.Store.SetCeilingsAsync(
                where,
                new BudgetCeilings
                {
                    Usd = given.Usd ?? old.Usd,
                    Tokens = given.Tokens ?? old.Tokens,
                    ModelCalls = given.ModelCalls ?? old.ModelCalls,
                    ToolCalls = given.ToolCalls ?? old.ToolCalls,
                },
                cancellationToken);
            Write(await FindAsync(store, where, cancellationToken) is { } now ? [now] : []);
            return ExitCodes.Ok;
        });
        return command;
    }

    private Command Clear()
    {
        var scope = new Argument<string>("scope") { Description = Scopes };
        Argument<string?> folder = CommonOptions.Folder("The agent's folder whose database is meant; otherwise this one.");
        var command = new Command("clear", "Take all ceilings off a scope; what is spent stays counted.") { scope, folder };
        command.SetAction(async (parse, cancellationToken) =>
        {
            await using OpenStore store = await context.OpenAsync(parse, parse.GetValue(folder), cancellationToken);
            BudgetScope where = await ParseAsync(store, parse.GetValue(scope)!, cancellationToken);
            await store.Store.SetCeilingsAsync(where, BudgetCeilings.None, cancellationToken);
            Write(await FindAsync(store, where, cancellationToken) is { } now ? [now] : []);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static async Task<BudgetScope> ParseAsync(OpenStore store, string scope, CancellationToken cancellationToken) =>
        BudgetScope.Parse(await RunFinder.ScopeAsync(store.Store, scope, cancellationToken));

    private static async Task<BudgetInfo?> FindAsync(OpenStore store, BudgetScope scope, CancellationToken cancellationToken) =>
        (await store.Store.BudgetsAsync(scope.Key, cancellationToken: cancellationToken)).FirstOrDefault(b => b.Scope == scope);

    private void Write(IReadOnlyList<BudgetInfo> budgets)
    {
        context.Output.Document(new BudgetList([.. budgets.Select(BudgetDocument.Of)]), ContractJson.Complete<BudgetList>());
        if (budgets.Count == 0)
            context.Output.Line("Nothing is spent and no ceiling is set there.");
        else
            context.Output.Table(["scope", "usd", "tokens", "model calls", "tool calls"], [.. budgets.Select(Row)]);
    }

    private static string[] Row(BudgetInfo budget) =>
    [
        budget.Scope.Key,
        Cell(budget, BudgetMetric.Usd),
        Cell(budget, BudgetMetric.Tokens),
        Cell(budget, BudgetMetric.ModelCalls),
        Cell(budget, BudgetMetric.ToolCalls),
    ];

    /// <summary>Spent (+ reserved) of the ceiling.</summary>
    private static string Cell(BudgetInfo budget, BudgetMetric metric)
    {
        decimal reserved = budget.Reserved.Of(metric);
        string used = Rendering.Show.Of(metric, budget.Spent.Of(metric))
            + (reserved > 0 ? $" + {Rendering.Show.Of(metric, reserved)}" : "");
        return budget.Ceilings.Of(metric) is { } most ? $"{used} of {Rendering.Show.Of(metric, most)}" : used;
    }
}
