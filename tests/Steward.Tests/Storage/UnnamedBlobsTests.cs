using System.Text;
using Steward.Storage;

namespace Steward.Tests.Storage;

public sealed class UnnamedBlobsTests
{
    private static readonly string s_hash = Blob.Of("content"u8.ToArray()).Hash;

    [Fact]
    public void NamesIn_AHashAtEveryPlace_FindsIt()
    {
        for (int before = 0; before < 200; before++)
        {
            for (int after = 0; after < 3; after++)
                Assert.Equal([s_hash], UnnamedBlobs.NamesIn(Encoding.UTF8.GetBytes(new string('.', before) + s_hash + new string('.', after))));
        }
    }

    [Fact]
    public void NamesIn_SeveralHashes_FindsAll()
    {
        string[] hashes = [.. Enumerable.Range(0, 50).Select(i => Blob.Of(BitConverter.GetBytes(i)).Hash)];
        string text = string.Concat(hashes.Select((h, i) => $"{new string(' ', i + 1)}{h}"));
        Assert.Equal(hashes.Order(StringComparer.Ordinal), UnnamedBlobs.NamesIn(Encoding.UTF8.GetBytes(text)).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("\\u0022{0}\\u0022", true)]
    [InlineData("a{0}", true)]
    [InlineData("{0}{0}", true)]
    [InlineData("G{0}G", true)]
    [InlineData("{0}{0}{0}{0}{0}", false)]
    public void NamesIn_AmongOtherDigits_FindsItUnlessTheRowIsData(string form, bool found)
    {
        string text = form.Replace("{0}", s_hash, StringComparison.Ordinal);
        Assert.Equal(found, UnnamedBlobs.NamesIn(Encoding.UTF8.GetBytes(text)).Contains(s_hash));
    }

    [Fact]
    public void NamesIn_ShorterOrUpperCase_FindsNothing()
    {
        Assert.Empty(UnnamedBlobs.NamesIn(Encoding.UTF8.GetBytes(s_hash[1..])));
        Assert.Empty(UnnamedBlobs.NamesIn(Encoding.UTF8.GetBytes(s_hash.ToUpperInvariant())));
    }

    [Fact]
    public void Decide_NotedLongAgoOrNewOrNamedAgain_SaysWhatIsToBeDone()
    {
        var unnamed = new UnnamedBlobs(new Dictionary<string, long> { ["old"] = 7, ["recent"] = 1, ["new"] = 1, [s_hash] = 1 });
        unnamed.See(Encoding.UTF8.GetBytes($"\"{s_hash}\""));
        BlobPlan plan = unnamed.Decide(new Dictionary<string, bool> { ["old"] = true, ["recent"] = false, [s_hash] = true });

        Assert.Equal([KeyValuePair.Create("old", 7L)], plan.Due);
        Assert.Equal(["new"], plan.New);
        Assert.Equal([s_hash], plan.Again);
        Assert.Equal(new BlobSweep(1, 7, 2), plan.Result(["old"]));
    }
}
