using Sync.Contracts;

namespace Sync.Simulation;

/// <summary>Liveness: one of few is handicapped for good, half-way through, and everybody else must go on within stated
/// times.</summary>
internal sealed partial class World
{
    private const int ProgressWrites = 20;
    private static readonly TimeSpan AnsweredWithin = TimeSpan.FromSeconds(5);

    private NodeDriver? _handicapped;
    private HostDriver? _handicappedHost;

    private TimeSpan HandicapAt() => Plan.Steps.Length == 0 ? TimeSpan.Zero : Plan.Steps[Plan.Steps.Length / 2].At;

    private void Handicapped()
    {
        Trace.Add("handicap", (long)Plan.Handicap);
        Coverage.Add(Coverage.NameOf(Plan.Handicap));
        var (node, host) = (_nodes[^1], _hosts[^1]);
        switch (Plan.Handicap)
        {
            case Handicap.HostDeaf: (_handicappedHost, host.Link.IsDeaf) = (host, true); break;
            case Handicap.HostMute: (_handicappedHost, host.Link.IsMute) = (host, true); break;
            case Handicap.NeverReads: (_handicappedHost, host.NeverReads) = (host, true); break;
            case Handicap.WriterDead:
                node.Kill();
                _handicapped = node;
                break;
            case Handicap.WriterStuck:
                node.Pause();
                _handicapped = node;
                break;
            case Handicap.WriterWithoutStore:
                (node.IsStoreMute, node.IsStoreDeaf) = (true, true);
                _handicapped = node;
                break;
        }
    }

    // Nothing else is wrong any more: each write has its answer in time, and each feed moves.
    private void Progress()
    {
        var random = RandomOf("progress");
        for (var index = 0; index < ProgressWrites; index++)
        {
            _client.Write(random);
            Await(() => Writes.Unsettled == 0, AnsweredWithin, Invariants.Progress,
                $"beside {Plan.Handicap} a write has no answer");
            Violation.Unless(IsOwned(), Invariants.Progress, () => $"beside {Plan.Handicap} a feed has no owner");
        }
        Coverage.Add("progress beside a handicap");
    }

    private bool IsSpared(object who) => ReferenceEquals(who, _handicapped) || ReferenceEquals(who, _handicappedHost);

    private NodeDriver? AnyNode(SimRandom random)
    {
        var node = random.Pick(_nodes);
        return IsSpared(node) ? null : node;
    }

    private HostDriver? AnyHost(SimRandom random)
    {
        var host = random.Pick(_hosts);
        return IsSpared(host) ? null : host;
    }
}
