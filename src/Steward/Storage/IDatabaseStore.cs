using System.Data.Common;

namespace Steward.Storage;

/// <summary>A store in a database in which others keep tables beside its own.</summary>
public interface IDatabaseStore
{
    /// <summary>The schema of the store's tables.</summary>
    string Schema { get; }

    /// <summary>Connections to the store's database, made as its own are:
    /// to the primary of several hosts, through the same pooler.</summary>
    /// <param name="application">What the database calls them.</param>
    /// <param name="most">Most of them at once; a pool that the store was given is shared as it is.</param>
    /// <returns>A pool apart from the store's, so that neither waits for the other; closed with the store.</returns>
    DbDataSource OpenBeside(string application, int most);
}
