using Sync.Contracts;
using Sync.Hosting;
using Sync.Http;
using Sync.Http.Json;
using Sync.MessagePack;
using Sync.ReplicaHost.Engine;
using Sync.Replication;
using Held = Sync.Replication.CollectionReplica<System.ReadOnlyMemory<byte>>;
using Record = Sync.Replication.CollectionRecord<System.ReadOnlyMemory<byte>>;

namespace Sync.ReplicaHost.Http;

/// <summary>What is held: a record, a page of a collection, the digest of a collection, the vaults of a
/// group.</summary>
internal sealed class RecordRoutes(FollowedScopes scopes)
{
    /// <summary>A page stops after the record that passes this many value bytes.</summary>
    private const int PageBytesMax = 4 << 20;

    public async Task GetAsync(HttpContext context)
    {
        var problem = MediaTypes.TryAccept(context.Request, out var form);
        problem ??= Queries.RefuseUnknown(context.Request);
        if (await BeginAsync(context, problem) is not { } held) return;
        var key = RecordTarget.Of(context).SyncedKey;
        if (!held.TryGet(key, out var record))
        {
            Stand.WriteHeaders(context.Response, held, null);
            await RecordProblems.NotFound("The key has no live record here.").AnswerAsync(context);
            return;
        }
        Stand.WriteHeaders(context.Response, held, record.At.Feed);
        context.Response.Headers.ETag = EntityTags.Of(record.Sequence);
        if (EntityTags.IsKnown(context.Request, record.Sequence))
            context.Response.StatusCode = StatusCodes.Status304NotModified;
        else
            await Answers.WriteAsync(context, form, RecordPage.EnvelopeOf(record), EnvelopeJson.TryWrite,
                static (bytes, envelope) => EnvelopeCodec.Default.Encode(envelope, bytes));
    }

    public async Task ListAsync(HttpContext context)
    {
        var request = context.Request;
        var problem = MediaTypes.TryAccept(request, out var form);
        problem ??= Queries.RefuseUnknown(request, "after", "limit");
        var limit = Queries.LimitDefault;
        problem ??= Queries.TryLimit(request, out limit);
        string? after = null;
        problem ??= Queries.TryName(request, "after", Names.CheckKey, out after);
        if (await BeginAsync(context, problem) is not { } held) return;
        var (vault, collection) = (RecordTarget.Of(context).Vault, RecordTarget.Of(context).Collection);
        var records = new List<Record>();
        var more = held.List(vault, collection, after, limit, records);
        var kept = KeptOf(records);
        more |= kept < records.Count;
        records.RemoveRange(kept, records.Count - kept);
        var feed = Stand.WriteHeaders(context.Response, held, FeedOf(records));
        await Answers.WriteAsync(context, form, new RecordPage(feed, more ? records[^1].Key.Key : null, records),
            RecordPage.TryWrite, RecordPage.Write);
    }

    public async Task DigestAsync(HttpContext context)
    {
        var problem = MediaTypes.TryAccept(context.Request, out var form);
        problem ??= Queries.RefuseUnknown(context.Request);
        if (await BeginAsync(context, problem) is not { } held) return;
        var (vault, collection) = (RecordTarget.Of(context).Vault, RecordTarget.Of(context).Collection);
        var first = new List<Record>(1);
        held.List(vault, collection, null, 1, first);
        Stand.WriteHeaders(context.Response, held, FeedOf(first));
        await DigestAnswer.WriteAsync(context, form, held.Digest(vault, collection));
    }

    public async Task VaultsAsync(HttpContext context)
    {
        var request = context.Request;
        var problem = MediaTypes.TryAccept(request, out var form);
        problem ??= Queries.RefuseUnknown(request, "group", "after", "limit");
        var limit = Queries.LimitDefault;
        problem ??= Queries.TryLimit(request, out limit);
        string? group = null, after = null;
        problem ??= Queries.TryName(request, "group", Names.CheckGroup, out group);
        problem ??= Queries.TryName(request, "after", Names.CheckVault, out after);
        if (problem is not null)
        {
            await problem.AnswerAsync(context);
            return;
        }
        await Answers.WriteAsync(context, form, VaultPage.Of(scopes, group, after, limit), VaultPage.TryWrite,
            VaultPage.Write);
    }

    // Null: it is answered already. What is not loaded yet is not answered at all: an empty page would be a lie.
    private async Task<Held?> BeginAsync(HttpContext context, Problem? problem)
    {
        var target = RecordTarget.Of(context);
        var scope = SyncedPattern.OfCollection(target.Vault, target.Collection);
        var followed = scopes.Find(scope);
        if (followed is null) problem ??= Problems.NotFollowed($"{target.Vault}/{target.Collection}");
        else if (followed.Held is not { Status: not CollectionStatus.Loading })
            problem ??= Problems.Loading(followed.Scope);
        if (problem is null) return followed!.Held;
        await problem.AnswerAsync(context);
        return null;
    }

    private static FeedId? FeedOf(List<Record> records) => records.Count > 0 ? records[0].At.Feed : null;

    private static int KeptOf(List<Record> records)
    {
        var bytes = 0L;
        for (var index = 0; index < records.Count; index++)
            if ((bytes += records[index].Value.Length) > PageBytesMax) return index + 1;
        return records.Count;
    }
}
