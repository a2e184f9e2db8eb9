using Steward.Storage;

namespace Steward.Testing.Conformance;

internal static class BlobChecks
{
    public static IEnumerable<ConformanceCheck> All =>
    [
        ConformanceCheck.Of(Blob_Put_ComesBack),
        ConformanceCheck.Of(Blob_PutTwice_IsFree),
        ConformanceCheck.Of(Blob_ManyAtOnce_IsOne),
        ConformanceCheck.Of(Blob_Missing_IsNull),
        ConformanceCheck.Of(Blob_LargeOrEmpty_ComesBack),
        ConformanceCheck.Of(Blob_OfABatch_ComesBack),
        ConformanceCheck.Of(Blob_BufferReused_KeepsWhatWasPut),
    ];

    private static async Task Blob_Put_ComesBack(Scene s)
    {
        Blob blob = Blob.Of("hello"u8.ToArray());
        await s.Store.PutAsync(blob, s.Token);
        Expect.Bytes(blob.Content, await GetAsync(s, blob.Hash));
    }

    private static async Task Blob_PutTwice_IsFree(Scene s)
    {
        Blob blob = Blob.Of("hello"u8.ToArray());
        await s.Store.PutAsync(blob, s.Token);
        await s.Store.PutAsync(blob, s.Token);
        Subject run = await s.ClaimedAsync();
        await run.CommitAsync(run.Batch(Scene.Fact()) with { Blobs = [blob, blob] });
        Expect.Bytes(blob.Content, await GetAsync(s, blob.Hash));
    }

    private static async Task Blob_ManyAtOnce_IsOne(Scene s)
    {
        Blob blob = Blob.Of(new byte[50_000]);
        await Scene.AtOnceAsync(16, async i =>
        {
            await s.Store.PutAsync(blob, s.Token);
            return i;
        });
        Expect.Bytes(blob.Content, await GetAsync(s, blob.Hash));
    }

    private static async Task Blob_Missing_IsNull(Scene s) =>
        Expect.Equal(false, (await s.Store.GetAsync(Blob.Of(new byte[] { 1 }).Hash, s.Token)).HasValue);

    private static async Task Blob_LargeOrEmpty_ComesBack(Scene s)
    {
        foreach (int size in new[] { 0, 1, 16 * 1024, 3 << 20 })
        {
            byte[] content = new byte[size];
            for (int i = 0; i < size; i++)
                content[i] = (byte)(i * 31);
            Blob blob = Blob.Of(content);
            await s.Store.PutAsync(blob, s.Token);
            Expect.Bytes(content, await GetAsync(s, blob.Hash));
        }
    }

    private static async Task Blob_OfABatch_ComesBack(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        Blob one = Blob.Of(new byte[100_000]);
        Blob two = Blob.Of("two"u8.ToArray());
        await run.CommitAsync(run.Batch(Scene.Fact()) with { Blobs = [one, two] });
        Expect.Bytes(one.Content, await GetAsync(s, one.Hash));
        Expect.Bytes(two.Content, await GetAsync(s, two.Hash));
    }

    private static async Task Blob_BufferReused_KeepsWhatWasPut(Scene s)
    {
        byte[] buffer = [1, 2, 3];
        Blob blob = Blob.Of(buffer);
        await s.Store.PutAsync(blob, s.Token);
        buffer[0] = 99;
        Expect.Bytes(new byte[] { 1, 2, 3 }, await GetAsync(s, blob.Hash));
    }

    private static async Task<ReadOnlyMemory<byte>> GetAsync(Scene s, string hash) =>
        await s.Store.GetAsync(hash, s.Token) ?? throw new ConformanceException($"the blob '{hash}'", "its content", "null");
}
