using Npgsql;

namespace Steward.Declarative.Stores;

/// <summary>Reads <c>postgres://</c> URLs, as platforms hand them out, and Npgsql's own connection strings.</summary>
internal static class PostgresUrl
{
    /// <returns>How to connect, the schema that a URL names with <c>?schema=</c>, and what it says of the database. <c>?pooled=true</c>
    /// means a pooler in transaction mode, <c>?lossless_failover=true</c> a failover that loses nothing.</returns>
    /// <exception cref="ArgumentException">It is neither.</exception>
    public static (NpgsqlConnectionStringBuilder Connection, string? Schema, bool Pooled, bool LosslessFailover) Read(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url.Scheme is "postgres" or "postgresql"
            ? FromUrl(url)
            : (new NpgsqlConnectionStringBuilder(text), null, false, false);

    private static (NpgsqlConnectionStringBuilder Connection, string? Schema, bool Pooled, bool LosslessFailover) FromUrl(Uri url)
    {
        string[] user = url.UserInfo.Split(':', 2);
        var connection = new NpgsqlConnectionStringBuilder
        {
            Host = url.Host,
            Database = Uri.UnescapeDataString(url.AbsolutePath.Trim('/')),
        };
        string? schema = null;
        bool pooled = false, lossless = false;
        if (url.Port > 0)
            connection.Port = url.Port;
        if (user[0].Length > 0)
            connection.Username = Uri.UnescapeDataString(user[0]);
        if (user.Length == 2)
            connection.Password = Uri.UnescapeDataString(user[1]);
        foreach (string pair in url.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] option = pair.Split('=', 2);
            string value = option.Length == 2 ? Uri.UnescapeDataString(option[1]) : "";
            if (option[0] == "schema")
                schema = value;
            else if (option[0] == "pooled")
                pooled = bool.Parse(value);
            else if (option[0] == "lossless_failover")
                lossless = bool.Parse(value);
            else
                connection[option[0] == "sslmode" ? "SSL Mode" : Uri.UnescapeDataString(option[0])] = value;
        }

        return (connection, schema, pooled, lossless);
    }
}
