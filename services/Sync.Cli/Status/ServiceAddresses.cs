using System.CommandLine;
using Sync.Contracts;

namespace Sync.Cli.Status;

/// <summary>A service to ask.</summary>
/// <param name="Name">One of <see cref="ServiceNames"/>.</param>
/// <param name="Url">Its address.</param>
/// <param name="IsRequired">False: it was guessed, and may well not run.</param>
internal readonly record struct ServiceAddress(string Name, string Url, bool IsRequired);

/// <summary>The options that say where the services are. What is not given is where the box and infra/dev put it: the replica
/// host 10 ports above the writer, the Insight host 20.</summary>
internal sealed class ServiceAddresses
{
    private const int ReplicaStep = 10;
    private const int InsightStep = 20;

    private readonly Option<string?> _writers = new("--writers") { Description = "Addresses of writers, separated by commas (default: --writer)" };
    private readonly Option<string?> _replicas = new("--replicas")
    {
        Description = "Addresses of replica hosts, separated by commas (SYNC_REPLICAS; default: the writer's port + 10)",
    };

    private readonly Option<string?> _insight = new("--insight")
    {
        Description = "Addresses of Insight hosts, separated by commas (SYNC_INSIGHT; default: the writer's port + 20)",
    };

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _writers, _replicas, _insight }) command.Options.Add(option);
    }

    public IReadOnlyList<ServiceAddress> Of(ParseResult parsed, Connection connection) =>
    [
        .. Split("--writers", parsed.GetValue(_writers) ?? connection.Writer).Select(url => new ServiceAddress(ServiceNames.Writer, url, true)),
        .. Others(ServiceNames.ReplicaHost, "--replicas", parsed.GetValue(_replicas) ?? Variable("SYNC_REPLICAS"), connection, ReplicaStep),
        .. Others(ServiceNames.InsightHost, "--insight", parsed.GetValue(_insight) ?? Variable("SYNC_INSIGHT"), connection, InsightStep),
    ];

    /// <summary>Reads a list of addresses.</summary>
    /// <exception cref="SyncException">One of them is none.</exception>
    public static IReadOnlyList<string> Split(string option, string urls)
    {
        var read = urls.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        foreach (var url in read)
            if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
                throw new SyncException(SyncErrorCode.Invalid, $"{option} has '{url}'; must be an http or https address such as http://127.0.0.1:5090");
        return read.Length > 0 ? read : throw new SyncException(SyncErrorCode.Invalid, $"{option} names no address");
    }

    private static IEnumerable<ServiceAddress> Others(string name, string option, string? given, Connection connection, int step)
    {
        if (given is not null) return Split(option, given).Select(url => new ServiceAddress(name, url, true));
        var writer = new UriBuilder(connection.Writer);
        writer.Port += step;
        return [new ServiceAddress(name, writer.Uri.ToString().TrimEnd('/'), false)];
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
