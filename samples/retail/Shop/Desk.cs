using System.Text.Json;
using System.Text.Json.Nodes;
using Steward.Retail.Data;
using Steward.Tools;

namespace Steward.Retail.Shop;

/// <summary>The shop within one call: the documents that it asks for, or the refusal that the model reads.</summary>
internal sealed class Desk(RetailDatabase database)
{
    /// <summary>An order.</summary>
    public JsonObject Order(string id) => Find("orders", id) ?? throw new ToolException("Error: order not found");

    /// <summary>A user.</summary>
    public JsonObject User(string id) => Find("users", id) ?? throw new ToolException("Error: user not found");

    /// <summary>A product.</summary>
    public JsonObject Product(string id) => Find("products", id) ?? throw new ToolException("Error: product not found");

    /// <summary>Keeps a changed order, and shows it.</summary>
    public string Save(JsonObject order) => Save("orders", order.Text("order_id"), order);

    /// <summary>Keeps a changed user, and shows it.</summary>
    public string SaveUser(string id, JsonObject user) => Save("users", id, user);

    private JsonObject? Find(string table, string id) => database.Read(table, id) is { } text ? JsonNode.Parse(text)!.AsObject() : null;

    private string Save(string table, string id, JsonObject document)
    {
        string text = PythonJson.Write(document);
        database.Write(table, id, text);
        return text;
    }
}

/// <summary>Reads documents.</summary>
internal static class DocumentExtensions
{
    /// <summary>A member that is text.</summary>
    public static string Text(this JsonNode node, string name) => node[name]!.GetValue<string>();

    /// <summary>A member that is a number.</summary>
    public static double Amount(this JsonNode node, string name) => node[name]!.GetValue<double>();

    /// <summary>An argument that is text.</summary>
    public static string Text(this JsonElement arguments, string name) => arguments.GetProperty(name).GetString()!;

    /// <summary>An argument that is a list of texts.</summary>
    public static string[] Texts(this JsonElement arguments, string name) => [.. arguments.GetProperty(name).EnumerateArray().Select(e => e.GetString()!)];
}
