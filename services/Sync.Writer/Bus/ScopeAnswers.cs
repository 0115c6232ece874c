using Sync.Contracts;
using Sync.MessagePack;
using Sync.Transport;
using Sync.Writer.Engine;
using Sync.Writer.Http;

namespace Sync.Writer.Bus;

/// <summary>Answers what collection replicas ask over the bus (docs/PROTOCOL.md, Requests and replies): snapshots,
/// changes, vaults of a group, many keys of a group. Holds no state; answers never exceed what the bus
/// carries.</summary>
internal sealed class ScopeAnswers(WriterEngine engine, WriteLimits limits)
{
    /// <summary>Longest entry of a vault in an answer, rounded up.</summary>
    private const int VaultEntryBytes = 160;

    public async ValueTask<BusReply> SnapshotAsync(BusRequest request, CancellationToken cancellation)
    {
        if (!Subjects.Default.TryParseRequest(request.Subject, out var subject)) return BusAnswers.NoSuchSubject;
        var asked = SnapshotCodec.DecodeRequest(request.Payload.Span);
        if (!asked.IsOk) return BusReply.Failed(400, asked.Error);
        var (scope, (feed, after, limit)) = (subject.ToScope(), asked.Value);
        if (after is { } record && Names.Check(record) is { } wrong)
            return BusReply.Failed(400, $"invalid-name: after: {wrong}");
        if (CheckFeed(feed) is { } noFeed) return noFeed;
        var store = engine.Store;
        var from = feed ?? (scope.Vault is { } vault ? await store.FeedOfAsync(vault, cancellation) : new FeedId(0));
        var page = await store.SnapshotAsync(scope, from, after, limit, limits.EnvelopeBytesMax, cancellation);
        return BusReply.OfRented(SnapshotCodec.EncodeRented(page, limits.EnvelopeBytesMax));
    }

    public async ValueTask<BusReply> ChangesAsync(BusRequest request, CancellationToken cancellation)
    {
        if (!Subjects.Default.TryParseRequest(request.Subject, out var subject)) return BusAnswers.NoSuchSubject;
        var asked = ChangesCodec.DecodeRequest(request.Payload.Span);
        if (!asked.IsOk) return BusReply.Failed(400, asked.Error);
        var (feed, after, limit) = asked.Value;
        if (CheckFeed(feed) is { } noFeed) return noFeed;
        var page = await engine.Store.ChangesAsync(
            subject.ToScope(), feed, after, limit, limits.EnvelopeBytesMax, cancellation);
        return BusReply.Of(ChangesCodec.Encode(page, limits.EnvelopeBytesMax));
    }

    public async ValueTask<BusReply> VaultsAsync(BusRequest request, CancellationToken cancellation)
    {
        if (!Subjects.Default.TryParseRequest(request.Subject, out var subject)) return BusAnswers.NoSuchSubject;
        var asked = VaultsCodec.DecodeRequest(request.Payload.Span);
        if (!asked.IsOk) return BusReply.Failed(400, asked.Error);
        var wrong = asked.Value.After is { } after ? Names.CheckVault(after) : null;
        wrong ??= asked.Value.Collection is { } collection ? Names.CheckCollection(collection) : null;
        if (wrong is not null) return BusReply.Failed(400, "invalid-name: " + wrong);
        var limit = Math.Min(asked.Value.Limit, limits.EnvelopeBytesMax / VaultEntryBytes);
        var page = await engine.Store.VaultsAsync(subject.Group!, asked.Value with { Limit = limit }, cancellation);
        return BusAnswers.Reply(page, VaultsCodec.Encode);
    }

    /// <summary>Many keys of several vaults: one read for each vault, since positions are per feed. What no longer fits is left
    /// out, and asked for again.</summary>
    public async ValueTask<BusReply> GetManyOfGroupAsync(
        string group, ReadOnlyMemory<byte> payload, CancellationToken cancellation)
    {
        var items = GetManyCodec.DecodeGroup(payload.Span);
        if (!items.IsOk) return BusReply.Failed(400, items.Error);
        foreach (var item in items.Value)
            if (Names.CheckVault(item.Vault) is not null || Names.GroupOf(item.Vault) != group)
                return BusReply.Failed(400, "an item is not of a vault of the group that the subject names");
        var answers = new List<VaultAnswer>();
        var left = limits.EnvelopeBytesMax;
        foreach (var ofVault in items.Value.GroupBy(item => item.Vault, StringComparer.Ordinal))
        {
            var asked = ofVault.Select(item => item.Item).ToArray();
            var read = await engine.Store.GetManyAsync(ofVault.Key, asked, left, cancellation);
            var (answer, bytes) = PageFit.CutToSize(read, asked, left);
            // The first answer has one envelope at least, whatever it takes; a later one that has no room is left out.
            if (bytes > left && answers.Count > 0) break;
            answers.Add(new VaultAnswer(ofVault.Key, answer));
            left -= bytes + VaultEntryBytes;
            if (answer.Answered < asked.Length || left <= 0 || answers.Count == GroupAnswerCodec.VaultsMax) break;
        }
        return BusAnswers.Reply<IReadOnlyList<VaultAnswer>>(answers, GroupAnswerCodec.Encode);
    }

    private BusReply? CheckFeed(FeedId? feed) =>
        feed is { } given && given.Value >= engine.Store.Info.Feeds
            ? BusReply.Failed(400, $"malformed-request: the ledger has {engine.Store.Info.Feeds} feeds, 0 to {engine.Store.Info.Feeds - 1}")
            : null;
}
