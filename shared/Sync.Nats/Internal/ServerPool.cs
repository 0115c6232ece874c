namespace Sync.Nats.Internal;

/// <summary>
/// The servers to try: the seeds, and those that a connected server named. Shuffled once, so that clients spread; the
/// one connected last stands at the end. The connection loop reads it, the read loop adds to it: one lock.
/// </summary>
internal sealed class ServerPool
{
    private readonly Lock _gate = new();
    private readonly NatsOpts _opts;
    private readonly Random _random;
    private List<ServerAddress> _servers;

    public ServerPool(NatsOpts opts, Random random)
    {
        (_opts, _random) = (opts, random);
        var seeds = ServerAddress.ParseList(opts.Url).DistinctBy(s => s.Key, StringComparer.Ordinal).ToArray();
        if (!opts.NoRandomize)
            random.Shuffle(seeds);
        _servers = [.. seeds];
    }

    public int Count
    {
        get { lock (_gate) return _servers.Count; }
    }

    /// <summary>The order of the next round.</summary>
    public ServerAddress[] Round()
    {
        lock (_gate)
            return [.. _servers];
    }

    /// <summary>Connected: after a loss the others come first.</summary>
    public void MoveToEnd(ServerAddress server)
    {
        lock (_gate)
        {
            if (_servers.Remove(server))
                _servers.Add(server);
        }
    }

    /// <summary>Takes over what the server told; servers that are told no more go, the seeds and the current one
    /// stay.</summary>
    public void Merge(IReadOnlyList<string> urls, ServerAddress current)
    {
        if (_opts.IgnoreDiscoveredServers || urls.Count == 0)
            return;
        var told = new List<ServerAddress>();
        foreach (var url in urls)
        {
            try
            {
                told.Add(ServerAddress.Parse(url, discoveredBy: current));
            }
            catch (NatsException)
            {
                // A server names an address that is none: of no use, and no reason to lose the connection.
            }
        }

        lock (_gate)
        {
            var keep = _servers.Where(s => s.IsSeed || s == current || told.Exists(t => t.Key == s.Key)).ToList();
            var added = told.Where(t => !keep.Exists(s => s.Key == t.Key))
                .DistinctBy(t => t.Key, StringComparer.Ordinal).ToArray();
            if (!_opts.NoRandomize)
                _random.Shuffle(added);
            // In front of the current one, which stays last.
            var last = keep.Remove(current);
            _servers = [.. keep, .. added];
            if (last)
                _servers.Add(current);
        }
    }
}
