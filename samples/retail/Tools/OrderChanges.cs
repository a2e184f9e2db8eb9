using System.Text.Json;
using System.Text.Json.Nodes;
using Steward.Retail.Data;
using Steward.Retail.Shop;
using Steward.Tools;

namespace Steward.Retail.Tools;

/// <summary>What the desk can do to an order. Each checks first and changes afterwards; what it refuses, it has not touched.</summary>
internal static class OrderChanges
{
    private const string Card = "gift_card";

    public static string Cancel(Desk desk, JsonElement arguments)
    {
        JsonObject order = InStatus(desk, arguments, "pending", "cancelled");
        JsonArray payments = order["payment_history"]!.AsArray();
        JsonObject user = desk.User(order.Text("user_id"));
        foreach (JsonNode? payment in payments.ToArray())
        {
            string method = payment!.Text("payment_method_id");
            payments.Add(Payment("refund", payment!["amount"]!.DeepClone(), method));
            // Money goes back to a card of the shop at once, elsewhere in a matter of days.
            if (method.Contains(Card, StringComparison.Ordinal))
                AddToBalance(user, method, payment.Amount("amount"));
        }

        order["status"] = "cancelled";
        order["cancel_reason"] = arguments.Text("reason");
        desk.SaveUser(order.Text("user_id"), user);
        return desk.Save(order);
    }

    public static string Return(Desk desk, JsonElement arguments)
    {
        JsonObject order = InStatus(desk, arguments, "delivered", "returned");
        string method = arguments.Text("payment_method_id");
        PaymentMethod(desk.User(order.Text("user_id")), method);
        if (!method.Contains(Card, StringComparison.Ordinal) && method != order["payment_history"]![0]!.Text("payment_method_id"))
            throw new ToolException("Error: payment method should be either the original payment method or a gift card");
        string[] items = arguments.Texts("item_ids");
        RequireItems(order, items);
        order["status"] = "return requested";
        order["return_items"] = Sorted(items);
        order["return_payment_method_id"] = method;
        return desk.Save(order);
    }

    public static string Exchange(Desk desk, JsonElement arguments)
    {
        JsonObject order = InStatus(desk, arguments, "delivered", "exchanged");
        List<Swap> swaps = Swaps(desk, order, arguments);
        double difference = PythonJson.Cents(swaps.Sum(s => s.Difference));
        string method = arguments.Text("payment_method_id");
        RequireBalance(PaymentMethod(desk.User(order.Text("user_id")), method), difference, "the price difference");
        order["status"] = "exchange requested";
        order["exchange_items"] = Sorted(swaps.Select(s => s.Old));
        order["exchange_new_items"] = Sorted(swaps.Select(s => s.New));
        order["exchange_payment_method_id"] = method;
        order["exchange_price_difference"] = PythonJson.Number(difference);
        return desk.Save(order);
    }

    public static string ModifyItems(Desk desk, JsonElement arguments)
    {
        JsonObject order = InStatus(desk, arguments, "pending", "modified");
        List<Swap> swaps = Swaps(desk, order, arguments);
        double difference = swaps.Sum(s => s.Difference);
        JsonObject user = desk.User(order.Text("user_id"));
        string method = arguments.Text("payment_method_id");
        RequireBalance(PaymentMethod(user, method), difference, "the new items");
        order["payment_history"]!.AsArray().Add(Payment(difference > 0 ? "payment" : "refund", PythonJson.Number(Math.Abs(difference)), method));
        if (IsGiftCard(PaymentMethod(user, method)))
            AddToBalance(user, method, -difference);
        foreach (Swap swap in swaps)
        {
            JsonObject item = Item(order, swap.Old);
            item["item_id"] = swap.New;
            item["price"] = swap.Variant["price"]!.DeepClone();
            item["options"] = swap.Variant["options"]!.DeepClone();
        }

        order["status"] = "pending (item modified)";
        desk.SaveUser(order.Text("user_id"), user);
        return desk.Save(order);
    }

    public static string ModifyPayment(Desk desk, JsonElement arguments)
    {
        JsonObject order = InStatus(desk, arguments, "pending", "modified");
        JsonObject user = desk.User(order.Text("user_id"));
        string method = arguments.Text("payment_method_id");
        JsonObject newMethod = PaymentMethod(user, method);
        JsonArray payments = order["payment_history"]!.AsArray();
        if (payments is not [JsonObject only] || only.Text("transaction_type") != "payment")
            throw new ToolException("Error: the order was not paid by exactly one payment, so that cannot be changed");
        string oldMethod = only.Text("payment_method_id");
        if (oldMethod == method)
            throw new ToolException("Error: the order is already paid that way");
        double amount = only.Amount("amount");
        RequireBalance(newMethod, amount, "the order");
        payments.Add(Payment("payment", only["amount"]!.DeepClone(), method));
        payments.Add(Payment("refund", only["amount"]!.DeepClone(), oldMethod));
        if (IsGiftCard(newMethod))
            AddToBalance(user, method, -amount);
        if (oldMethod.Contains(Card, StringComparison.Ordinal))
            AddToBalance(user, oldMethod, amount);
        desk.SaveUser(order.Text("user_id"), user);
        return desk.Save(order);
    }

    public static string ModifyAddress(Desk desk, JsonElement arguments)
    {
        JsonObject order = InStatus(desk, arguments, "pending", "modified");
        order["address"] = Address(arguments);
        return desk.Save(order);
    }

    public static string ModifyUserAddress(Desk desk, JsonElement arguments)
    {
        string id = arguments.Text("user_id");
        JsonObject user = desk.User(id);
        user["address"] = Address(arguments);
        return desk.SaveUser(id, user);
    }

    private static JsonObject InStatus(Desk desk, JsonElement arguments, string status, string verb)
    {
        JsonObject order = desk.Order(arguments.Text("order_id"));
        return order.Text("status") == status ? order : throw new ToolException($"Error: non-{status} order cannot be {verb}");
    }

    private static JsonObject PaymentMethod(JsonObject user, string id) =>
        user["payment_methods"]![id] as JsonObject ?? throw new ToolException("Error: payment method not found");

    private static bool IsGiftCard(JsonObject method) => method.Text("source") == Card;

    private static void RequireBalance(JsonObject method, double amount, string what)
    {
        if (IsGiftCard(method) && method.Amount("balance") < amount)
            throw new ToolException($"Error: insufficient gift card balance to pay for {what}");
    }

    private static void AddToBalance(JsonObject user, string method, double amount)
    {
        JsonObject card = PaymentMethod(user, method);
        card["balance"] = PythonJson.Number(PythonJson.Cents(card.Amount("balance") + amount));
    }

    private static JsonObject Payment(string type, JsonNode amount, string method) =>
        new() { ["transaction_type"] = type, ["amount"] = amount, ["payment_method_id"] = method };

    private static JsonObject Address(JsonElement arguments)
    {
        JsonObject address = [];
        foreach (string line in (string[])["address1", "address2", "city", "state", "country", "zip"])
            address[line] = arguments.Text(line);
        return address;
    }

    private static JsonObject Item(JsonObject order, string id) =>
        (JsonObject)order["items"]!.AsArray().First(i => i!.Text("item_id") == id)!;

    /// <summary>Requires that the order holds every item, and each as often as it is named.</summary>
    private static void RequireItems(JsonObject order, string[] items)
    {
        Dictionary<string, int> held = order["items"]!.AsArray().CountBy(i => i!.Text("item_id")).ToDictionary(StringComparer.Ordinal);
        foreach ((string item, int wanted) in items.CountBy(i => i))
        {
            if (held.GetValueOrDefault(item) < wanted)
                throw new ToolException($"Error: {item} not found");
        }
    }

    private static List<Swap> Swaps(Desk desk, JsonObject order, JsonElement arguments)
    {
        string[] items = arguments.Texts("item_ids");
        string[] newItems = arguments.Texts("new_item_ids");
        RequireItems(order, items);
        if (items.Length != newItems.Length)
            throw new ToolException($"Error: {items.Length} items cannot be swapped for {newItems.Length}: name one new item for each");
        return [.. items.Zip(newItems, (old, next) => SwapOf(desk, Item(order, old), old, next))];
    }

    private static Swap SwapOf(Desk desk, JsonObject item, string old, string next)
    {
        JsonObject product = desk.Product(item.Text("product_id"));
        if (product["variants"]![next] is not JsonObject variant || !variant["available"]!.GetValue<bool>())
            throw new ToolException($"Error: {next} is not a {product.Text("name")} that can be had");
        return new Swap(old, next, variant, variant.Amount("price") - item.Amount("price"));
    }

    private static JsonArray Sorted(IEnumerable<string> ids) => [.. ids.Order(StringComparer.Ordinal).Select(id => (JsonNode)id)];

    /// <summary>An item that makes way for another variant of the same product.</summary>
    private sealed record Swap(string Old, string New, JsonObject Variant, double Difference);
}
