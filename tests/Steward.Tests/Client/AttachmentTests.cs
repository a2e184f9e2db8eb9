using System.Text;
using Microsoft.Extensions.AI;
using Steward.Client;
using Steward.Journal;
using Steward.Models;
using Steward.State;
using Steward.Storage;
using Steward.Tests.Support;
using Steward.Tools;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Client;

/// <summary>Large input goes through blobs: kept once, named by hash in the journal, read when it is sent, and its tenant's alone.</summary>
public sealed class AttachmentTests
{
    private const string PdfType = "application/pdf";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Run_WithAPdfOfTwoMegabytes_SendsItAndCountsPages(bool asBlob)
    {
        byte[] pdf = Pdf.Make(pages: 30, packed: true, size: 2 << 20);
        List<DataContent> sent = [];
        Lab lab = Reader(sent);
        ContentPart part = asBlob ? await PutAsync(lab, pdf) : new DataPart(PdfType, pdf);
        RunId run = await lab.StartAsync(new RunRequest([new TextPart("Sum it up."), part]));
        await lab.WorkAllAsync();

        RunState state = Invariants.Check(await lab.JournalAsync(run));
        Assert.Equal("read", Assert.IsType<RunCompleted>(state.Outcome).Output);
        Assert.Equal(2, sent.Count);
        Assert.All(sent, data => Assert.Equal((PdfType, pdf.Length), (data.MediaType, data.Data.Length)));
        Assert.True(sent[0].Data.Span.SequenceEqual(pdf));
        ModelStarted call = (await lab.JournalAsync(run)).Select(e => e.Event).OfType<ModelStarted>().First();
        Assert.InRange(call.Reserved.Tokens, 30 * AttachmentEstimate.Page, (30 * AttachmentEstimate.Page) + 5_000);
        if (asBlob)
        {
            Assert.Same(sent[0], sent[1]); // So a client writes it once.
            Assert.Equal(30, Assert.IsType<BlobPart>(state.Started.Input[1]).Pages);
            Assert.InRange((await lab.JournalAsync(run)).Sum(e => e.Payload.Length), 0, 16 * 1024);
        }
    }

    [Fact]
    public async Task Message_WithAnAttachment_ReachesTheModel()
    {
        List<DataContent> sent = [];
        Lab lab = new(
            new FunctionModel((messages, _) =>
            {
                sent.AddRange(messages.SelectMany(m => m.Contents).OfType<DataContent>());
                return messages.Any(m => m.Role == ChatRole.Tool) ? Says("thanks") : Calls_(("ask_user", new { question = "Where is it?" }));
            }),
            Harness.Agent(BuiltInTools.AskUser).Build());
        RunId run = await lab.StartAsync();
        await lab.WorkAllAsync();
        BlobPart part = await PutAsync(lab, "a picture"u8.ToArray(), "image/png");
        Assert.Equal(SignalResult.Accepted, await lab.Handle(run).SendAsync([new TextPart("here"), part], cancellationToken: Token));
        await lab.Handle(run).AnswerAsync("ask-1.0", Answer.Reply, "ana", "see above", cancellationToken: Token);
        await lab.WorkAllAsync();

        Assert.Equal("a picture", Encoding.UTF8.GetString(Assert.Single(sent).Data.Span));
    }

    [Fact]
    public async Task Start_WithWhatIsNotTheTenants_StartsNothing()
    {
        Lab lab = Reader([]);
        RunId other = await lab.StartAsync(new RunRequest("go") { Tenant = "beta" });
        string definition = (await lab.StateAsync(other)).Started.DefinitionHash;
        BlobPart beta = await lab.Client().PutBlobAsync(new MemoryStream([1, 2, 3]), PdfType, "beta", Token);
        Blob raw = Blob.Of("no attachment"u8.ToArray());
        await lab.Store.PutAsync(raw, Token);

        foreach (string hash in (string[])[beta.Hash, definition, raw.Hash, new('0', 64), "no hash", ""])
        {
            AttachmentMissingException error = await Assert.ThrowsAsync<AttachmentMissingException>(
                () => lab.StartAsync(new RunRequest([beta with { Hash = hash }]) { Tenant = "acme" }));
            Assert.Equal(("acme", hash), (error.Tenant, error.Hash));
            await Assert.ThrowsAsync<AttachmentMissingException>(
                () => lab.Handle(other).SendAsync([beta with { Hash = hash == beta.Hash ? raw.Hash : hash }], cancellationToken: Token).AsTask());
        }

        Assert.Single(await lab.Store.FindAsync(new RunQuery(), Token));
        Assert.NotEqual(beta.Hash, (await lab.Client().PutBlobAsync(new MemoryStream([1, 2, 3]), PdfType, "acme", Token)).Hash);
    }

    [Fact]
    public async Task Start_WithFactsThatTheCallerMadeUp_HasThoseOfTheStore()
    {
        Lab lab = Reader([]);
        byte[] pdf = Pdf.Make(pages: 12, packed: false);
        BlobPart part = await PutAsync(lab, pdf);
        RunId run = await lab.StartAsync(new RunRequest([part with { MediaType = "text/plain", Length = 1, Pages = 0 }]));
        Assert.Equal(part, Assert.Single((await lab.StateAsync(run)).Started.Input));
        Assert.Equal((PdfType, (long)pdf.Length, 12), (part.MediaType, part.Length, part.Pages));
    }

    [Theory]
    [InlineData("", 3)]
    [InlineData("pdf", 3)]
    [InlineData("text/plain\r\nx: y", 3)]
    [InlineData("application/pdf", 0)]
    public async Task Put_WhatCannotBeUsed_IsRefused(string mediaType, int length)
    {
        Lab lab = Reader([]);
        await Assert.ThrowsAnyAsync<Exception>(() => lab.Client().PutBlobAsync(new MemoryStream(new byte[length]), mediaType, cancellationToken: Token));
    }

    [Fact]
    public async Task Run_WhoseAttachmentIsGone_IsPutAwayAndCallsNobody()
    {
        var model = new FunctionModel((_, _) => Says("read"));
        var store = new ForgetfulStore(new InMemoryStewardStore(TimeProvider.System));
        Lab lab = new(model, Harness.Agent().Build(), store);
        BlobPart part = await PutAsync(lab, [1, 2, 3]);
        RunId run = await lab.StartAsync(new RunRequest([part]));
        store.Forgotten = part.Hash;
        await lab.WorkAsync();

        Assert.Equal(0, model.Calls);
        Assert.Equal((RunStatus.Awaiting, Reasons.JournalDamaged), ((await lab.Handle(run).GetInfoAsync(Token))!.Status, (await lab.Handle(run).GetInfoAsync(Token))!.Reason));
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(250, false)]
    [InlineData(1, true)]
    [InlineData(250, true)]
    public void Pages_OfAPdf_AreCounted(int pages, bool packed) => Assert.Equal(pages, PdfPages.Count(Pdf.Make(pages, packed)));

    [Theory]
    [InlineData("")]
    [InlineData("no pdf /Type /Page")]
    [InlineData("%PDF-1.7 /Type /Pages")]
    [InlineData("%PDF-1.7 /Count 99999999999999999999")]
    [InlineData("%PDF-1.7 /ObjStm stream\nnot packed")]
    [InlineData("%PDF-1.7 /ObjStm stream")]
    public void Pages_ThatCannotBeSeen_AreUnknown(string text) => Assert.Null(PdfPages.Count(Encoding.ASCII.GetBytes(text)));

    private static Task<BlobPart> PutAsync(Lab lab, byte[] content, string type = PdfType) =>
        lab.Client().PutBlobAsync(new MemoryStream(content), type, cancellationToken: Token);

    /// <summary>Looks once with a tool, then answers; notes what attachments came.</summary>
    private static Lab Reader(List<DataContent> sent) => new(
        new FunctionModel((messages, _) =>
        {
            lock (sent)
                sent.AddRange(messages.SelectMany(m => m.Contents).OfType<DataContent>());
            return messages.Any(m => m.Role == ChatRole.Tool) ? Says("read") : Calls_(("look", new { }));
        }),
        Harness.Agent(Harness.Tool("look", _ => "seen")).Build());

    private sealed class ForgetfulStore(IStewardStore inner) : DelegatingStore(inner)
    {
        public string? Forgotten { get; set; }

        public override ValueTask<ReadOnlyMemory<byte>?> GetAsync(string hash, CancellationToken cancellationToken = default) =>
            hash == Forgotten ? default : base.GetAsync(hash, cancellationToken);
    }
}
