using System.Text.Json;
using System.Text.Json.Nodes;
using Steward.Journal;
using Steward.Retail.Data;
using Steward.Retail.Shop;
using Steward.Tools;

namespace Steward.Retail.Tools;

/// <summary>The sixteen tools of the desk. What the model is told of them is in the data set; what they do is here.</summary>
/// <remarks>
/// A refusal of the shop is a <see cref="ToolException"/>: its text reaches the model as it is, and it promises that nothing happened.
/// A tool that changes something is <see cref="ToolEffect.Unsafe"/>, so the runtime never repeats it on its own; its probe asks the shop
/// for the key that was stored with the effect.
/// </remarks>
internal sealed class RetailTools(RetailDatabase shop, RetailDataset data)
{
    /// <summary>The tools that change something, a hand-over to a person included.</summary>
    public static IReadOnlySet<string> Writing { get; } = new HashSet<string>(StringComparer.Ordinal)
    {
        "cancel_pending_order",
        "exchange_delivered_order_items",
        "modify_pending_order_address",
        "modify_pending_order_items",
        "modify_pending_order_payment",
        "modify_user_address",
        "return_delivered_order_items",
        "transfer_to_human_agents",
    };

    /// <summary>Makes the tools.</summary>
    public IReadOnlyList<ToolDefinition> Create() =>
    [
        Reads("calculate", a => PythonJson.Repr(PythonJson.Cents(Arithmetic.Evaluate(a.Text("expression"))))),
        Reads("find_user_id_by_email", a => Lookups.UserByEmail(shop, a)),
        Reads("find_user_id_by_name_zip", a => Lookups.UserByNameAndZip(shop, a)),
        Reads("get_order_details", a => Lookups.Document(shop, "order", a)),
        Reads("get_product_details", a => Lookups.Document(shop, "product", a)),
        Reads("get_user_details", a => Lookups.Document(shop, "user", a)),
        Reads("list_all_product_types", _ => Lookups.ProductTypes(shop)),
        Reads("think", _ => ""),
        Writes("cancel_pending_order", OrderChanges.Cancel),
        Writes("exchange_delivered_order_items", OrderChanges.Exchange),
        Writes("modify_pending_order_address", OrderChanges.ModifyAddress),
        Writes("modify_pending_order_items", OrderChanges.ModifyItems),
        Writes("modify_pending_order_payment", OrderChanges.ModifyPayment),
        Writes("modify_user_address", OrderChanges.ModifyUserAddress),
        Writes("return_delivered_order_items", OrderChanges.Return),
        Writes("transfer_to_human_agents", (_, _) => "Transfer successful"),
    ];

    private ToolDefinition Reads(string name, Func<JsonElement, string> look) =>
        Define(name, ToolEffect.ReadOnly, (_, arguments, _) => ValueTask.FromResult(new ToolOutput(look(arguments))), probe: null);

    private ToolDefinition Writes(string name, Func<Desk, JsonElement, string> change) =>
        Define(name, ToolEffect.Unsafe, (context, arguments, _) => Change(context, arguments, change), Probe);

    private ValueTask<ToolOutput> Change(ToolContext context, JsonElement arguments, Func<Desk, JsonElement, string> change)
    {
        string given = PythonJson.Canonical(JsonObject.Create(arguments));
        return ValueTask.FromResult(new ToolOutput(shop.Act(context, given, desk => change(desk, arguments))));
    }

    private ValueTask<ProbeResult> Probe(ToolContext context, JsonElement arguments, CancellationToken cancellationToken) =>
        ValueTask.FromResult(shop.FindEffect(context.IdempotencyKey) is { } observation ? ProbeResult.Happened(observation) : ProbeResult.DidNotHappen);

    private ToolDefinition Define(string name, ToolEffect effect, ToolHandler handler, ToolProbe? probe)
    {
        JsonElement told = data.Tools[name];
        return new ToolDefinition(name, told.GetProperty("description").GetString()!, told.GetProperty("parameters"), handler) { Effect = effect, Probe = probe };
    }
}
