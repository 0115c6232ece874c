using Shouldly;
using Xunit;

namespace Sync.Tests.Architecture;

/// <summary>A project sees only those above it; the walk through the solution stays the way of a record.</summary>
public sealed class LayeringTests
{
    /// <summary>The shared projects, each of which may use those before it. A new one gets its place here.</summary>
    private static readonly string[] Order =
    [
        "Sync.Hosting", "Sync.Contracts", "Sync.MessagePack", "Sync.Access", "Sync.Http", "Sync.Models.Generator", "Sync.Nats", "Sync.Transport",
        "Sync.Ledger", "Sync.Ledger.Postgres", "Sync.Ledger.Files", "Sync.Replication", "Sync.Client", "Sync.Vaults",
        "Sync.Lobby", "Sync.Context",
    ];

    private static IEnumerable<ProjectFile> Shared => ProjectFile.All.Where(project => project.Area == "shared");

    [Fact]
    public void Every_shared_project_has_its_place_in_the_order()
    {
        Shared.Count().ShouldBeGreaterThan(5);

        Repository.ShouldBeNone(
            Shared.Select(project => project.Name).Except(Order, StringComparer.Ordinal),
            "Give it its place in LayeringTests.Order:");
    }

    [Fact]
    public void A_shared_project_uses_only_those_above_it() => Repository.ShouldBeNone(
        from project in Shared
        from used in project.Projects
        where Array.IndexOf(Order, used) < 0 || Array.IndexOf(Order, used) >= Array.IndexOf(Order, project.Name)
        select $"{project.Name} uses {used}",
        "A shared project may only use shared projects above it:");

    [Fact]
    public void A_service_uses_shared_projects_only_and_the_command_line_also_services() => Repository.ShouldBeNone(
        from project in ProjectFile.All
        where project.Area == "services"
        from used in project.Projects
        let area = ProjectFile.Named(used).Area
        where area != "shared" && !(area == "services" && project.Name == "Sync.Cli")
        select $"{project.Name} uses {used}",
        "A service may only use shared projects:");

    [Fact]
    public void Only_tests_use_tests() => Repository.ShouldBeNone(
        from project in ProjectFile.All
        where project.Area != "tests"
        from used in project.Projects
        where ProjectFile.Named(used).Area == "tests"
        select $"{project.Name} uses {used}",
        "Nothing that ships may use a test project:");

    [Fact]
    public void The_contracts_use_nothing()
    {
        ProjectFile contracts = ProjectFile.Named("Sync.Contracts");

        Repository.ShouldBeNone(
            [.. contracts.Projects, .. contracts.Packages, .. contracts.Frameworks],
            "Sync.Contracts has no references:");
    }

    [Fact]
    public void Only_the_Postgres_ledger_and_tests_use_Npgsql() => Repository.ShouldBeNone(
        from project in ProjectFile.All
        where project.Area != "tests" && project.Name != "Sync.Ledger.Postgres"
        where project.Packages.Any(package => package.StartsWith("Npgsql", StringComparison.Ordinal))
        select project.Name,
        "Npgsql is behind Sync.Ledger.Postgres only:");

    [Fact]
    public void Nothing_that_a_user_of_the_client_installs_brings_Npgsql_or_AspNetCore()
    {
        IReadOnlyList<ProjectFile> reach = ProjectFile.Named("Sync.Client").Reach();
        reach.Count.ShouldBeGreaterThan(3);

        Repository.ShouldBeNone(
            from project in reach
            from brought in project.Packages.Concat(project.Frameworks)
            where brought.StartsWith("Npgsql", StringComparison.Ordinal)
                || brought.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal)
            select $"{project.Name} brings {brought}",
            "Sync.Client must install without a database driver and a web server:");
        Repository.ShouldBeNone(
            reach.Where(project => project.IsWeb).Select(project => project.Name), "Not a web project:");
        Repository.Read("shared/Sync.Client/packages.lock.json").ShouldNotContain("\"Npgsql\"");
    }

    [Fact]
    public void The_broker_client_is_seen_by_the_transport_alone() => Repository.ShouldBeNone(
        from file in Repository.Sources("shared", "services")
        where !file.StartsWith("shared/Sync.Nats/", StringComparison.Ordinal)
            && !file.StartsWith("shared/Sync.Transport/", StringComparison.Ordinal)
        from line in Repository.Lines(file)
        where line.StartsWith("using Sync.Nats", StringComparison.Ordinal)
        where !IsComposition(file)
        select file,
        "Only Sync.Transport (and the place that composes a process) sees Sync.Nats:");

    /// <summary>Where a process is put together, options of the broker connection are named.</summary>
    private static bool IsComposition(string file) =>
        file.StartsWith("services/", StringComparison.Ordinal)
        || file.StartsWith("shared/Sync.Client/", StringComparison.Ordinal);
}
