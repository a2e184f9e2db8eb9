using Steward.Journal;
using Steward.Storage;

namespace Steward.Client;

/// <summary>Takes attachments to the store, and checks those that a request names.</summary>
internal static class Attachments
{
    /// <summary>Most bytes of one attachment that are read: the most that a store can be set to take.</summary>
    private const int Most = 1 << 30;

    /// <summary>Keeps what a stream holds.</summary>
    /// <exception cref="StewardException">The media type is none, or the stream is empty or too long.</exception>
    /// <exception cref="StoreException">The store takes no blob of that size.</exception>
    public static async Task<BlobPart> PutAsync(
        IStewardStore store,
        string tenant,
        Stream content,
        string mediaType,
        CancellationToken cancellationToken)
    {
        using var bytes = new MemoryStream();
        byte[] buffer = new byte[64 * 1024];
        while (await content.ReadAsync(buffer, cancellationToken) is > 0 and int read)
        {
            if (bytes.Length + read > Most)
                throw new StewardException($"The attachment has more than {Most} bytes, the most that any store takes. Split it.");
            bytes.Write(buffer, 0, read);
        }

        if (bytes.Length == 0)
            throw new StewardException("The attachment is empty: there is nothing in the stream from where it stands.");
        (Blob blob, BlobPart part) = Attachment.Make(tenant, mediaType, bytes.GetBuffer().AsMemory(0, (int)bytes.Length));
        await store.PutAsync(blob, cancellationToken);
        return part;
    }

    /// <summary>The parts, with what the store knows of the attachments among them in place of what the caller says.</summary>
    /// <exception cref="StewardException">An attachment is not there for the tenant.</exception>
    public static async ValueTask<IReadOnlyList<ContentPart>> CheckedAsync(
        IStewardStore store,
        string tenant,
        IReadOnlyList<ContentPart> parts,
        CancellationToken cancellationToken)
    {
        if (!parts.Any(part => part is BlobPart))
            return parts;
        var known = new ContentPart[parts.Count];
        for (int i = 0; i < known.Length; i++)
        {
            known[i] = parts[i] is BlobPart { Hash: var hash }
                ? (await FindAsync(store, tenant, hash, cancellationToken))?.Part
                    ?? throw new AttachmentMissingException(tenant, hash)
                : parts[i];
        }

        return known;
    }

    private static async ValueTask<Attachment?> FindAsync(
        IStewardStore store,
        string tenant,
        string hash,
        CancellationToken cancellationToken) =>
        hash.Length > 0
        && await store.GetAsync(hash, cancellationToken) is { } blob
        && Attachment.Read(hash, blob) is { } found
        && found.Tenant == tenant
            ? found
            : null;
}

/// <summary>A request names an attachment that the store does not have for its tenant.</summary>
public sealed class AttachmentMissingException : StewardException
{
    /// <summary>Creates the error.</summary>
    public AttachmentMissingException(string tenant, string hash)
        : base(
            $"There is no attachment '{(hash.Length <= 64 ? hash : $"{hash[..63]}…")}' for the tenant '{tenant}', "
            + "so nothing was started or sent. Put it into the store first (PutBlobAsync, for the same tenant), and use it within a day.")
    {
        Tenant = tenant;
        Hash = hash;
    }

    /// <summary>The tenant of the request.</summary>
    public string Tenant { get; }

    /// <summary>The hash that it names.</summary>
    public string Hash { get; }
}
