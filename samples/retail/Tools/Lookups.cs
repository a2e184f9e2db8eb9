using System.Text.Json;
using System.Text.Json.Nodes;
using Steward.Retail.Data;
using Steward.Retail.Shop;
using Steward.Tools;

namespace Steward.Retail.Tools;

/// <summary>What the desk can look up.</summary>
internal static class Lookups
{
    public static string UserByEmail(RetailDatabase shop, JsonElement arguments) =>
        shop.FindUser("email = lower($email)", ("$email", arguments.Text("email"))) ?? throw NotFound("user");

    public static string UserByNameAndZip(RetailDatabase shop, JsonElement arguments) =>
        shop.FindUser(
            "name = lower($first || ' ' || $last) AND zip = $zip",
            ("$first", arguments.Text("first_name")),
            ("$last", arguments.Text("last_name")),
            ("$zip", arguments.Text("zip"))) ?? throw NotFound("user");

    public static string Document(RetailDatabase shop, string kind, JsonElement arguments) =>
        shop.Read($"{kind}s", arguments.Text($"{kind}_id")) ?? throw NotFound(kind);

    public static string ProductTypes(RetailDatabase shop)
    {
        JsonObject types = [];
        foreach (JsonNode product in shop.ReadAll("products").Values.Select(text => JsonNode.Parse(text)!).OrderBy(p => p.Text("name"), StringComparer.Ordinal))
            types[product.Text("name")] = product.Text("product_id");
        return PythonJson.Write(types);
    }

    private static ToolException NotFound(string kind) => new($"Error: {kind} not found");
}
