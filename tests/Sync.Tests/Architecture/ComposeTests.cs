using System.Text.RegularExpressions;
using Shouldly;
using Xunit;
using YamlDotNet.Core;
using YamlDotNet.Serialization;

namespace Sync.Tests.Architecture;

/// <summary>compose.yaml and the images it builds, as far as they can be checked without an engine.</summary>
public sealed partial class ComposeTests
{
    private const string File = "compose.yaml";

    private static readonly Dictionary<object, object> Compose = Load();

    private static Dictionary<object, object> Services => Map(Compose["services"]);

    private static IEnumerable<(string Name, Dictionary<object, object> Keys)> EachService =>
        Services.Select(service => ((string)service.Key, Map(service.Value)));

    [Fact]
    public void The_distributed_form_has_the_services_and_their_two_servers() =>
        Services.Keys.Cast<string>().ShouldBe(["postgres", "nats", "writer", "replica-host", "insight-host"], ignoreOrder: true);

    [Fact]
    public void Every_path_that_compose_names_exists()
    {
        string[] paths =
        [
            .. from service in EachService
               where service.Keys.ContainsKey("build")
               let build = Map(service.Keys["build"])
               from path in (string[])[(string)build["context"], (string)build["dockerfile"]]
               select path,
            .. from service in EachService
               from volume in Strings(service.Keys, "volumes")
               let source = volume.Split(':')[0]
               where source.StartsWith('.')
               select source,
        ];
        paths.Length.ShouldBeGreaterThan(3);

        Repository.ShouldBeNone(paths.Where(path => !Repository.Exists(path)), "compose.yaml names what is not there:");
    }

    [Fact]
    public void Every_named_volume_is_declared() => Repository.ShouldBeNone(
        from service in EachService
        from volume in Strings(service.Keys, "volumes")
        let source = volume.Split(':')[0]
        where !source.StartsWith('.') && !Map(Compose["volumes"]).ContainsKey(source)
        select $"{service.Name}: {source}",
        "Declare it at the end of compose.yaml:");

    [Fact]
    public void Every_image_is_pinned_to_a_version()
    {
        string[] images =
        [
            .. EachService.Where(service => !service.Keys.ContainsKey("build"))
                .Select(service => (string)service.Keys["image"]),
            .. from file in Dockerfiles()
               from line in Repository.Lines(file)
               where line.StartsWith("FROM ", StringComparison.Ordinal)
               select line.Split(' ')[1],
        ];
        images.Length.ShouldBe(8);

        Repository.ShouldBeNone(
            images.Where(image => !PinnedImage().IsMatch(image)), "An image names a full version:");
    }

    [Fact]
    public void Every_service_says_when_it_is_healthy() => Repository.ShouldBeNone(
        from service in EachService
        where !service.Keys.ContainsKey("healthcheck")
            && !Repository.Read((string)Map(service.Keys["build"])["dockerfile"])
                .Contains("\nHEALTHCHECK ", StringComparison.Ordinal)
        select service.Name,
        "A health check in compose.yaml or in the image:");

    [Fact]
    public void No_password_stands_in_the_file_and_a_missing_one_is_an_error()
    {
        string[] passwords =
        [
            .. from service in EachService
               from variable in Map(service.Keys["environment"])
               let text = $"{variable.Key}={variable.Value}"
               where text.Contains("PASSWORD", StringComparison.OrdinalIgnoreCase)
               select text,
        ];
        passwords.Length.ShouldBe(13);

        Repository.ShouldBeNone(
            passwords.Where(text => !RequiredVariable().IsMatch(text)), "Take it from .env: ${NAME:?what to do}");
    }

    [Fact]
    public void The_script_makes_every_variable_that_compose_requires()
    {
        string script = Repository.Read("infra/docker/secrets");
        string[] required =
        [
            .. RequiredVariable().Matches(Repository.Read(File)).Select(match => match.Groups["name"].Value).Distinct(
                StringComparer.Ordinal),
        ];
        required.Length.ShouldBe(11);

        Repository.ShouldBeNone(
            required.Where(name => !script.Contains(name, StringComparison.Ordinal)),
            "infra/docker/secrets does not make:");
    }

    [Fact]
    public void Ports_are_published_on_loopback_only() => Repository.ShouldBeNone(
        from service in EachService
        from port in Strings(service.Keys, "ports")
        where !port.StartsWith("127.0.0.1:", StringComparison.Ordinal)
        select $"{service.Name}: {port}",
        "A port is open to this machine only:");

    [Fact]
    public void A_service_in_the_host_network_listens_on_loopback_only() => Repository.ShouldBeNone(
        from service in EachService
        where service.Keys.ContainsKey("network_mode")
        from setting in Map(service.Keys["environment"])
        where ((string)setting.Key).EndsWith("__Urls", StringComparison.Ordinal)
        let urls = (string)setting.Value
        where !urls.StartsWith("http://127.0.0.1:", StringComparison.Ordinal)
        select $"{service.Name}: {urls}",
        "The host's network is open to others:");

    [Fact]
    public void What_an_image_copies_exists_and_it_runs_without_rights()
    {
        string[] files = [.. Dockerfiles()];
        files.ShouldNotBeEmpty();

        Repository.ShouldBeNone(
            from file in files
            from line in Repository.Lines(file)
            where line.StartsWith("COPY ", StringComparison.Ordinal)
            where !line.Contains("--from", StringComparison.Ordinal)
            from source in line.Split(' ')[1..^1]
            where !Repository.Exists(source.TrimEnd('/'))
            select $"{file}: {source}",
            "An image copies what is not there:");
        Repository.ShouldBeNone(
            files.Where(file => !Repository.Lines(file).Contains("USER $APP_UID", StringComparer.Ordinal)),
            "An image runs as its user without rights:");
    }

    private static IEnumerable<string> Dockerfiles() =>
        Repository.Files.Where(file => file.EndsWith("Dockerfile", StringComparison.Ordinal));

    private static Dictionary<object, object> Load()
    {
        var parser = new MergingParser(new Parser(new StringReader(Repository.Read(File))));
        return new DeserializerBuilder().Build().Deserialize<Dictionary<object, object>>(parser);
    }

    private static Dictionary<object, object> Map(object value) => (Dictionary<object, object>)value;

    private static IEnumerable<string> Strings(Dictionary<object, object> keys, string key) =>
        keys.TryGetValue(key, out object? list) ? ((List<object>)list).Cast<string>() : [];

    [GeneratedRegex(@":\d+\.\d+(\.\d+)?(-[a-z]+)?$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex PinnedImage();

    [GeneratedRegex(@"\$\{(?<name>[A-Z_]+):\?", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex RequiredVariable();
}
