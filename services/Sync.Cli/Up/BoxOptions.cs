using Sync.Cli.Status;

namespace Sync.Cli.Up;

/// <summary>What <c>sync up</c> was asked for.</summary>
/// <param name="WriterPort">The first port; the others follow in steps of <see cref="PortStep"/>.</param>
/// <param name="Rate">Writes of the sample in a second; 0 = no sample.</param>
/// <param name="Seed">Same seed, same sample.</param>
internal sealed record BoxOptions(int WriterPort, int Rate, int Seed)
{
    public const int PortStep = 10;
    public const int WriterPortMax = 65_535 - 2 * PortStep;
    public const int RateMax = 1000;

    public int ReplicaPort => WriterPort + PortStep;

    public int InsightPort => WriterPort + 2 * PortStep;

    public IEnumerable<(string Name, int Port)> Services =>
        [(ServiceNames.Writer, WriterPort), (ServiceNames.ReplicaHost, ReplicaPort), (ServiceNames.InsightHost, InsightPort)];

    public static string Url(int port) => $"http://127.0.0.1:{port}";
}
