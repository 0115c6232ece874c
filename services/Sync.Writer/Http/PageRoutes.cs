using Sync.Contracts;
using Sync.Hosting;
using Sync.Http;
using Sync.Ledger;
using Sync.Writer.Engine;

namespace Sync.Writer.Http;

/// <summary>Pages: a collection's records, a key's facts, a window of a feed.</summary>
internal sealed class PageRoutes(WriterEngine engine)
{
    /// <summary>A page stops after the record that passes this many value bytes.</summary>
    private const int PageBytesMax = 4 << 20;

    public async Task ListAsync(HttpContext context)
    {
        var request = context.Request;
        var problem = MediaTypes.TryAccept(request, out var form);
        problem ??= Queries.RefuseUnknown(request, "after", "limit", "as_of");
        var limit = Queries.LimitDefault;
        problem ??= Queries.TryLimit(request, out limit);
        Timestamp? time = null;
        problem ??= Queries.TryTime(request, "as_of", out time);
        string? after = null;
        problem ??= Queries.TryName(request, "after", Names.CheckKey, out after);
        if (problem is not null)
        {
            await problem.AnswerAsync(context);
            return;
        }
        var target = RecordTarget.Of(context);
        var page = await engine.Store.ListAsync(
            target.Vault, target.Collection, after, limit, new AsOf(null, null, time), PageBytesMax,
                context.RequestAborted);
        await Answers.WriteAsync(context, form, page, Pages.TryWriteEnvelopes, Pages.WriteEnvelopes);
    }

    public async Task HistoryAsync(HttpContext context)
    {
        var request = context.Request;
        var problem = MediaTypes.TryAccept(request, out var form);
        problem ??= Queries.RefuseUnknown(request, "after", "limit");
        var limit = Queries.LimitDefault;
        problem ??= Queries.TryLimit(request, out limit);
        long? after = null;
        problem ??= Queries.TryNumber(request, "after", 0, long.MaxValue, out after);
        if (problem is not null)
        {
            await problem.AnswerAsync(context);
            return;
        }
        var page = await engine.Store.HistoryAsync(
            RecordTarget.Of(context).SyncedKey, new Sequence(after ?? 0), limit, PageBytesMax, context.RequestAborted);
        await Answers.WriteAsync(context, form, (page, NextSequence(page)), Pages.TryWriteFacts, Pages.WriteFacts);
    }

    public async Task FactsAsync(HttpContext context)
    {
        var request = context.Request;
        var problem = MediaTypes.TryAccept(request, out var form);
        problem ??= Queries.RefuseUnknown(request, "feed", "from", "to", "vault", "collection", "prefix", "limit");
        var limit = Queries.LimitDefault;
        problem ??= Queries.TryLimit(request, out limit);
        var (wrong, query) = problem is null ? await WindowOfAsync(request) : (problem, null);
        if (wrong is not null)
        {
            await wrong.AnswerAsync(context);
            return;
        }
        var page = await engine.Store.WindowAsync(query!, limit, PageBytesMax, context.RequestAborted);
        await Answers.WriteAsync(context, form, (page, NextPosition(page)), Pages.TryWriteFacts, Pages.WriteFacts);
    }

    private async Task<(Problem? Wrong, WindowQuery? Query)> WindowOfAsync(HttpRequest request)
    {
        var (vault, collection, prefix) =
            (Queries.Text(request, "vault"), Queries.Text(request, "collection"), Queries.Text(request, "prefix"));
        if (vault is not null && Names.CheckVault(vault) is { } wrongVault)
            return (RecordProblems.InvalidName(wrongVault), null);
        if (collection is not null && Names.CheckCollection(collection) is { } wrongName)
            return (RecordProblems.InvalidName(wrongName), null);
        if (prefix is not null && Names.CheckKey(prefix) is { } wrongPrefix)
            return (RecordProblems.InvalidName("prefix: " + wrongPrefix), null);
        if (collection is not null && vault is null)
            return (CommonProblems.Malformed("collection needs vault."), null);
        if (prefix is not null && collection is null)
            return (CommonProblems.Malformed("prefix needs collection."), null);
        var store = engine.Store;
        if (Queries.TryNumber(request, "feed", 0, store.Info.Feeds - 1, out var given) is { } wrongFeed)
            return (wrongFeed, null);
        if (given is null && vault is null) return (CommonProblems.Malformed("Give feed or vault."), null);
        var feed = given is { } number ? new FeedId((int)number)
            : await store.FeedOfAsync(vault!, request.HttpContext.RequestAborted);
        var from = await BoundAsync(request, "from", feed, isFrom: true);
        var to = await BoundAsync(request, "to", feed, isFrom: false);
        if ((from.Wrong ?? to.Wrong) is { } wrongBound) return (wrongBound, null);
        var after = from.Position is { } first ? new Position(Math.Max(0, first.Value - 1)) : Position.Start;
        return (null, new WindowQuery(feed, after, to.Position, vault, collection, prefix));
    }

    // A bound is a position or a time, and is itself part of the window.
    private async Task<(Problem? Wrong, Position? Position)> BoundAsync(HttpRequest request, string name, FeedId feed,
        bool isFrom)
    {
        if (Queries.Text(request, name) is not { } text) return (null, null);
        if (text.Length > 0 && !text.AsSpan().ContainsAnyExceptInRange('0', '9'))
        {
            var wrong = Queries.TryNumber(request, name, 0, long.MaxValue - 1, out var number);
            return (wrong, number is { } value ? new Position(value) : null);
        }
        if (Queries.TryTime(request, name, out var time) is not null)
            return (CommonProblems.Malformed(
                $"{name} must be a position, or a time by RFC 3339 like 2026-01-31T12:00:00Z."), null);
        var until = isFrom ? new Timestamp(time!.Value.UnixMicroseconds - 1) : time!.Value;
        var last = await engine.Store.PositionAtAsync(feed, until, request.HttpContext.RequestAborted);
        return (null, isFrom ? last.Next : last);
    }

    private static long? NextSequence(FactPage page) =>
        page.More && page.Facts.Count > 0 ? page.Facts[^1].Sequence.Value : null;

    private static long? NextPosition(FactPage page) =>
        page.More ? page.Through.Value + 1 : null;
}
