using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Steward.Hosting;

namespace Steward.Postgres;

/// <summary>Keeps runs in PostgreSQL.</summary>
public static class StewardBuilderExtensions
{
    /// <summary>Keeps runs in a PostgreSQL database, which any number of nodes may share.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="connectionString">Where the database is, as Npgsql writes it: <c>Host=…;Database=…;Username=…</c>.</param>
    public static StewardBuilder UsePostgres(this StewardBuilder builder, string connectionString) =>
        UsePostgres(builder, new PostgresStoreOptions { ConnectionString = connectionString });

    /// <summary>Keeps runs in a PostgreSQL database.</summary>
    public static StewardBuilder UsePostgres(this StewardBuilder builder, PostgresStoreOptions options)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        return builder.UseStore(services => PostgresStewardStore.OpenAsync(
            options,
            services.GetService<ILoggerFactory>()?.CreateLogger<PostgresStewardStore>()).GetAwaiter().GetResult());
    }
}
