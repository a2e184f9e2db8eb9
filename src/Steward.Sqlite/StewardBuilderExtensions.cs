using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Steward.Hosting;

namespace Steward.Sqlite;

/// <summary>Keeps runs in SQLite.</summary>
public static class StewardBuilderExtensions
{
    /// <summary>Keeps runs in one SQLite file, durable at every commit.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="path">The file; it is made if it is not there.</param>
    public static StewardBuilder UseSqlite(this StewardBuilder builder, string path) =>
        UseSqlite(builder, new SqliteStoreOptions { Path = path });

    /// <summary>Keeps runs in one SQLite file.</summary>
    public static StewardBuilder UseSqlite(this StewardBuilder builder, SqliteStoreOptions options)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(options);
        return builder.UseStore(services => SqliteStewardStore.OpenAsync(
            options,
            services.GetRequiredService<TimeProvider>(),
            services.GetService<ILoggerFactory>()?.CreateLogger<SqliteStewardStore>()).GetAwaiter().GetResult());
    }
}
